"""A link paid in instalments, over HTTP on the real stack: chosen on its page, paid once."""

import asyncio
from urllib.parse import urlsplit

import pytest

from stack.instalment_journeys import CREDIT, CREDITOR, DOCUMENTS, KLARNA, offer_only
from tests.e2e.conftest import open_shop
from tests.e2e.test_instalments import plan_in
from tests.waiting import until

VISA = "4242424242424242"
METHODS = ["card", "instalments"]
GUEST = {"email": "anna@example.com", "name": "Anna Neri"}


async def link_of(shop, amount_minor=16_000, *, guest=False):
    """A link payable in instalments by a customer with a saved card, or by a guest."""
    (await shop.call("PATCH", "/v1/instalment-settings", CREDITOR)).expect(200)
    whose = {} if guest else {"customer_id": await shop.customer("tok_visa")}
    made = await shop.link(amount_minor, **whose, methods=METHODS)
    return made.expect(201)


async def sign(shop, plan):
    path = f"/v1/instalment-plans/{plan['id']}"
    cards = await shop.get(f"/v1/customers/{plan['customer_id']}/instruments")
    for kind in DOCUMENTS:
        document = await shop.get(f"{path}/documents?kind={kind}")
    body = {
        "instrument_id": cards["data"][0]["id"],
        "agreement_sha256": document["sha256"],
    }
    (await shop.call("POST", f"{path}/sign", body)).expect(200)


async def offering(payer, link):
    """The page once it offers instalments, which a busy machine may not do in time."""

    async def found():
        page = await payer.open(link["url"])
        return page if any(form.action.endswith("/choose-plan") for form in page.forms) else None

    return await until(found)


async def waiting_for_plan(payer, link):
    """The page once it leads to the plan."""

    async def found():
        page = await payer.open(link["url"])
        return page if page.view == "instalments" else None

    return await until(found)


async def of_order(shop, link, what):
    found = await shop.get(f"/v1/{what}?order_reference={link['order_reference']}&limit=100")
    return found["data"]


async def test_a_link_is_paid_by_the_plan_chosen_on_its_page(shop, payer):
    link = await link_of(shop)
    page = await offering(payer, link)
    await payer.submit(page, page.form("/choose-plan"))
    waiting = await waiting_for_plan(payer, link)
    (plan,) = await of_order(shop, link, "instalment-plans")
    address = await shop.get(f"/v1/instalment-plans/{plan['id']}/address")
    assert urlsplit(address["url"]).path in waiting.html
    await sign(shop, plan)
    await plan_in(shop, plan["id"], "active")
    paid = await shop.link_in(link["id"], "paid")
    assert paid["paid_minor"] == 16_000
    assert (await payer.open(link["url"])).view == "in_parts"
    (tried,) = (await shop.get(f"/v1/payment-links/{link['id']}/payments"))["data"]
    assert (tried["method"], tried["plan_id"]) == ("instalments", plan["id"])
    (payment,) = await of_order(shop, link, "payments")
    assert (payment["state"], payment["order_part"]) == ("captured", "instalment:1")


async def test_a_guest_can_abandon_a_plan_and_pay_the_link_by_card(shop, payer):
    link = await link_of(shop, guest=True)
    page = await offering(payer, link)
    await payer.submit(page, page.form("/choose-plan"), **GUEST)
    waiting = await waiting_for_plan(payer, link)
    again = await payer.submit(waiting, waiting.form("/give-up"))
    assert again.view == "open"
    assert (await payer.pay(again, VISA)).view == "paid"
    (plan,) = await of_order(shop, link, "instalment-plans")
    assert plan["state"] == "cancelled"
    customer = await shop.get(f"/v1/customers/{plan['customer_id']}")
    assert (customer["email"], customer["name"]) == (GUEST["email"], GUEST["name"])


@pytest.fixture
async def partnered(stack):
    """A separate merchant with only a partner's terms: offering them removes the default terms, which other tests need."""
    async with open_shop(stack, "Partnered") as (found, _):
        await offer_only(found, CREDIT | KLARNA)
        yield found


async def at_partner(shop, payer):
    """A link, its plan's page and the plan, after the guest was redirected to the partner."""
    link = await link_of(shop, guest=True)
    page = await offering(payer, link)
    await payer.submit(page, page.form("/choose-plan"), **GUEST)
    await waiting_for_plan(payer, link)
    (plan,) = await of_order(shop, link, "instalment-plans")
    path = f"/v1/instalment-plans/{plan['id']}"
    here = await payer.open((await shop.get(f"{path}/address"))["url"])
    await payer.submit(here, here.form("/partner"))

    async def leads_on():
        found = await payer.open(here.url)
        return found if found.view == "plan-partner" else None

    return link, await until(leads_on), await shop.get(path)


async def test_a_partner_finances_a_guests_link(partnered, payer):
    shop = partnered
    link, waiting, plan = await at_partner(shop, payer)
    leads_to = plan["next_action"]["url"]
    assert leads_to in waiting.links
    await shop.approve(leads_to)
    await shop.link_in(link["id"], "paid")
    assert (await payer.open(waiting.url)).view == "plan-financed"
    (tried,) = (await shop.get(f"/v1/payment-links/{link['id']}/payments"))["data"]
    assert (tried["partner"], tried["state"]) == ("klarna", "succeeded")


async def test_a_guest_who_returns_undecided_from_the_partner_pays_by_card(partnered, payer):
    shop = partnered
    link, waiting, plan = await at_partner(shop, payer)
    (back,) = (one for one in waiting.links if "/p/return/" in one)
    again = await payer.open(back)
    assert again.view == "instalments"
    again = await payer.submit(again, again.form("/give-up"))
    assert again.view == "open"
    assert (await payer.pay(again, VISA)).view == "paid"
    await plan_in(shop, plan["id"], "cancelled")
    states = [one["state"] for one in await of_order(shop, link, "payments")]
    assert sorted(states) == ["cancelled", "captured"]


async def test_twenty_concurrent_payers_by_card_or_plan_pay_one_link_once(shop, payer):
    link = await link_of(shop)
    pages = [await offering(payer, link) for _ in range(20)]
    answers = await asyncio.gather(
        *(
            payer.submit(page, page.form("/choose-plan")) if turn % 2 else payer.pay(page, VISA)
            for turn, page in enumerate(pages)
        )
    )
    assert {page.status for page in answers} == {200}
    plans = await of_order(shop, link, "instalment-plans")
    assert len(plans) <= 1
    for plan in plans:
        await sign(shop, plan)
    await shop.link_in(link["id"], "paid")
    tries = (await shop.get(f"/v1/payment-links/{link['id']}/payments"))["data"]
    assert [one["state"] for one in tries].count("succeeded") == 1
    (payment,) = [
        one for one in await of_order(shop, link, "payments") if one["state"] == "captured"
    ]
    assert payment["captured_minor"] == (5_333 if plans else 16_000)
