"""A payer pays what the page offered: nothing in the submitted form can change it."""

import pytest

from services.paylink.flows.pay_form import Offer, sealed
from tests.kit.payments_double import money
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import World, token_of


async def asked(world: World, link, page, **more):
    fields = {"offer": page.offer, "card_token": "tok_visa", **more}
    key = fields.pop("key", page.form_key)
    return await world.visit("PayByCard", key=key, token=token_of(link), **fields)


async def test_the_sealed_offer_decides_psp_account_and_amount(world: World):
    link = await world.link()
    page = await world.page(link)
    await asked(world, link, page, psp_account="cheapest-to-cheat", shown_minor=1)
    (request,) = world.payments.calls["CreatePayment"]
    assert [token.psp_account for token in request.instrument.tokens] == ["sandbox-a"]
    assert request.amount == money(12900)


async def test_an_altered_or_foreign_offer_is_refused(world: World):
    link, second = await world.link(), await world.link(100)
    page, cheap = await world.page(link), await world.page(second)
    forged = page.offer[:40] + ("A" if page.offer[40] != "A" else "B") + page.offer[41:]
    unsealed = '{"link_id": "x", "form_key": "k", "due_minor": 1, "psp_account": "sandbox-a"}'
    return_reference = world.deps.seal.close(f"lpy_1 {token_of(link)}")
    for offer in ("", "x", forged, unsealed, cheap.offer, return_reference):
        assert await refused(asked(world, link, page, offer=offer)) == "offer_broken"
    assert await refused(asked(world, link, page, key="another")) == "offer_broken"
    assert world.payments.calls["CreatePayment"] == []
    await asked(world, link, page)
    assert len(world.payments.calls["CreatePayment"]) == 1


async def test_a_use_and_an_offer_are_not_interchangeable(world: World):
    link = await world.link(reusable=True)
    page = await world.page(link)
    first = (await asked(world, link, page)).payment
    again = await world.page(link)
    assert await refused(asked(world, link, again, offer=first.use)) == "offer_broken"
    assert not (await world.page(link, use=again.offer)).HasField("payment")


async def test_an_offer_made_before_a_part_arrived_is_refused(world: World):
    link = await world.link()
    page = await world.page(link)
    await world.transfer(10000, link.creditor_reference)
    assert await refused(asked(world, link, page)) == "amount_changed"


@pytest.mark.parametrize("psp_account", ["", "sandbox-a"])
async def test_a_page_without_a_card_field_takes_no_new_card(world: World, psp_account):
    link = await world.link()
    offer = sealed(world.deps, Offer(link.id, "key", 12900, psp_account))
    paying = world.visit(
        "PayByCard", key="key", token=token_of(link), offer=offer, card_token="tok_visa"
    )
    if psp_account:
        await paying
    else:
        assert await refused(paying) == "method_not_offered"
