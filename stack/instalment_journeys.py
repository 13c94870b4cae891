"""The demo's instalment journeys: offered as the law requires, signed with evidence, collected part
by part.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

from stack.journey_report import Journey, JourneyReport, expect
from stack.link_journeys import VISA
from stack.payer import Payer
from stack.shop import Answer, JourneyFailedError, Shop

CREDITOR = {
    "creditor_address": "Via Roma 1, 10121 Torino, Italia",
    "creditor_email": "info@bottega.example",
}
DOCUMENTS = ("information", "agreement")
DEFAULT_TERMS: Final = "trm_default"
DAY_SECONDS: Final = 86_400
MONTH_DAYS: Final = 31
CREDIT: Final = {
    "name": "Twelve months",
    "currency": "EUR",
    "payments": 12,
    "every": {"unit": "month", "n": 1},
    "interest_basis_points": 999,
    "upfront_fee_minor": 500,
}

KLARNA: Final = {
    "financed_by": "partner",
    "partner": {"psp_account": "sandbox-a", "method": "klarna"},
}


async def instalments(shop: Shop) -> JourneyReport:
    """Three payments, signed with proof"""
    customer = await shop.customer("tok_visa")
    answer = await signed(shop, customer, 16_000)
    plan = answer.expect(200)
    expect(plan, state="active", paid_minor=5_333, outstanding_minor=10_667)
    payment_id = plan["instalments"][0]["payment_id"]
    shop.payment_ids.append(payment_id)
    offer = plan["offer"]
    return JourneyReport(
        f"{offer['label']}, TAEG {offer['taeg']} %, {offer['legal_class']}: documents handed over,"
        " accepted, first part captured",
        answer.trace_id,
        payment_id,
    )


async def signed(shop: Shop, customer_id: str, amount_minor: int, **more: Any) -> Answer:
    """Signs a plan on the merchant's first terms, after everything required before the signature."""
    instrument = (await shop.get(f"/v1/customers/{customer_id}/instruments"))["data"][0]
    plan = await planned(shop, customer_id, amount_minor, **more)
    for kind in DOCUMENTS:
        document = await shop.get(f"/v1/instalment-plans/{plan['id']}/documents?kind={kind}")
    body = {
        "instrument_id": instrument["id"],
        "agreement_sha256": document["sha256"],
        "ip": "203.0.113.7",
    }
    return await shop.call("POST", f"/v1/instalment-plans/{plan['id']}/sign", body)


async def planned(
    shop: Shop, customer_id: str, amount_minor: int, *, terms_id: str = "", **more: Any
) -> Any:
    """A plan that its customer has not seen yet, on `terms_id` or else the merchant's first terms."""
    (await shop.call("PATCH", "/v1/instalment-settings", CREDITOR)).expect(200)
    offers = await shop.get(f"/v1/instalment-offers?amount_minor={amount_minor}&currency=EUR")
    fitting = (each for each in offers["data"] if each["available"])
    offer = next((each for each in fitting if terms_id in ("", each["terms_id"])), None)
    if offer is None:
        raise JourneyFailedError(f"no instalments are offered: {offers['data']}")
    quote = {
        "terms_id": offer["terms_id"],
        "amount": {"amount_minor": amount_minor, "currency": "EUR"},
        "order_reference": shop.next_order(),
        "locale": "it",
    }
    quoted = (await shop.call("POST", "/v1/instalment-quotes", quote)).expect(201)
    wanted = {"quote_id": quoted["id"], "customer_id": customer_id, **more}
    return (await shop.call("POST", "/v1/instalment-plans", wanted)).expect(201)


async def year_of_credit(shop: Shop) -> JourneyReport:
    """A year of credit: a card that fails, a link, an early end"""
    lender, email = shop.lender(), f"giulia-{uuid4().hex[:8]}@example.com"
    settings = {**CREDITOR, "lender_registration": "OAM M123"}
    (await lender.call("PATCH", "/v1/instalment-settings", settings)).expect(200)
    await offer_only(lender, CREDIT)
    customer = await lender.customer("tok_visa", email=email)
    answer = await signed(lender, customer, 60_000)
    plan = answer.expect(200)
    expect(plan, state="active")
    expect(plan["offer"], legal_class="credit")
    await later(lender, months=2, days=1)
    await parts_in(lender, plan["id"], paid=3)
    await replace_card(lender, plan, "tok_insufficient_funds")
    await later(lender, months=1)
    missed = (await parts_in(lender, plan["id"], paid=3, missed=1))["instalments"][3]
    await later(lender, days=4)

    def tried_again(plan: Any) -> bool:
        part = plan["instalments"][3]
        return bool(part["state"] == "missed" and part["due_at"] != missed["due_at"])

    await plan_when(lender, plan["id"], tried_again)
    await pay_by_link(lender, email)
    await parts_in(lender, plan["id"], paid=4)
    await replace_card(lender, plan, "tok_visa")
    await later(lender, months=5)
    await parts_in(lender, plan["id"], paid=9)
    settled = await lender.call("POST", f"/v1/instalment-plans/{plan['id']}/settle", {})
    ended = settled.expect(200)
    expect(ended, state="completed", outstanding_minor=0)
    paid = await taken(lender, ended)
    offer, less = plan["offer"], plan["offer"]["total"]["amount_minor"] - paid
    return JourneyReport(
        f"{offer['label']}, TAEG {offer['taeg']} %: a part declined, tried again and paid by its link,"
        f" another card, settled early for {less / 100:.2f} EUR less, {paid / 100:.2f} EUR taken",
        answer.trace_id,
        ended["instalments"][-1]["payment_id"],
    )


async def pay_by_link(shop: Shop, email: str, *, within_seconds: float = 60.0) -> None:
    """Pays a missed part through the link in the mail about it."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = [
            url
            for mail in await shop.inbox(email)
            for url in mail["links"]
            if url.startswith(f"{shop.url}/p/")
        ]
        if found:
            break
        if time.monotonic() > deadline:
            raise JourneyFailedError(f"no link for a missed instalment arrived at {email}")
        await asyncio.sleep(0.2)
    payer = Payer(shop.http, shop.sandbox_url)
    page = await payer.pay(await payer.open(found[0]), VISA)
    if page.view not in {"paid", "processing"}:
        raise JourneyFailedError(f"the link for a missed instalment is shown as {page.view}")


async def partner_pays(shop: Shop) -> JourneyReport:
    """The same by a partner, who pays at once"""
    lender = shop.lender()
    await offer_only(lender, CREDIT | KLARNA)
    plan = await planned(lender, await lender.customer("tok_visa"), 60_000)
    path = f"/v1/instalment-plans/{plan['id']}"
    answer = await lender.call("POST", f"{path}/pay-by-partner", {})
    waiting = answer.expect(200)
    expect(waiting, state="offered")
    await shop.approve(waiting["next_action"]["url"])
    paid = await parts_in(lender, plan["id"], paid=1)
    expect(paid, state="completed", paid_minor=60_000)
    payment_id = paid["instalments"][0]["payment_id"]
    expect(await lender.get(f"/v1/payments/{payment_id}"), captured_minor=60_000)
    return JourneyReport("accepted on Klarna's page, 600.00 captured", answer.trace_id, payment_id)


async def offer_only(shop: Shop, terms: Mapping[str, Any]) -> None:
    """Offers only these terms and archives those of earlier runs."""
    for old in (await shop.get("/v1/instalment-terms?state=active&limit=100"))["data"]:
        if old["id"] != DEFAULT_TERMS:
            path = f"/v1/instalment-terms/{old['id']}/archive"
            (await shop.call("POST", path, {})).expect(200)
    (await shop.call("POST", "/v1/instalment-terms", terms)).expect(201)


async def later(shop: Shop, *, months: int = 0, days: int = 0) -> None:
    """Advances the merchant's test clock."""
    advance = {"seconds": (months * MONTH_DAYS + days) * DAY_SECONDS}
    (await shop.call("POST", "/v1/test-clock/advance", advance)).expect(200)


async def replace_card(shop: Shop, plan: Mapping[str, Any], token: str) -> None:
    card = await shop.attach(plan["customer_id"], token, "sandbox-a")
    path = f"/v1/instalment-plans/{plan['id']}/instrument"
    (await shop.call("PUT", path, {"instrument_id": card["id"]})).expect(200)


async def parts_in(shop: Shop, plan_id: str, **counts: int) -> Any:
    """The plan, once this many parts are in these states."""

    def is_so(plan: Any) -> bool:
        states = Counter(part["state"] for part in plan["instalments"])
        return all(states[state] == count for state, count in counts.items())

    return await plan_when(shop, plan_id, is_so)


async def plan_when(
    shop: Shop, plan_id: str, is_so: Callable[[Any], bool], *, within_seconds: float = 60.0
) -> Any:
    deadline = time.monotonic() + within_seconds
    while not is_so(plan := await shop.get(f"/v1/instalment-plans/{plan_id}")):
        if time.monotonic() > deadline:
            raise JourneyFailedError(f"{plan_id} is not as expected: {plan}")
        await asyncio.sleep(0.2)
    return plan


async def taken(shop: Shop, plan: Mapping[str, Any]) -> int:
    """The captured amount of its payments, in minor units, confirmed by the PSP's books. One payment may
    cover several parts.
    """
    books, wanted = await shop.books(), Counter[str]()
    for part in plan["instalments"]:
        wanted[part["payment_id"]] += part["amount_minor"]
    for payment_id, amount_minor in wanted.items():
        payment = await shop.get(f"/v1/payments/{payment_id}")
        booked = books[payment["psp_reference"]]["captured_minor"]
        if (payment["captured_minor"], booked) != (amount_minor,) * 2:
            raise JourneyFailedError(f"the PSP took {booked} for {payment_id}: {payment}")
    of_order = [row for row in books.values() if row["reference"] == plan["order_reference"]]
    kept: int = sum(row["captured_minor"] - row["refunded_minor"] for row in of_order)
    if (sum(wanted.values()), kept) != (plan["paid_minor"],) * 2:
        raise JourneyFailedError(f"payments took {wanted}, the PSP kept {kept}: {plan}")
    return kept


INSTALMENT_JOURNEYS: tuple[Journey, ...] = (instalments, year_of_credit, partner_pays)
