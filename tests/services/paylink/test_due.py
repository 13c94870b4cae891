"""The amount due is the same wherever it is requested: 29.00 after 100.00 of 129.00 has arrived."""

import pytest

from incasso.paylink.v1 import events_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from services.paylink import events
from tests.kit.payments_double import money
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, World, token_of

REST = money(2900)


async def half_paid(world: World, **more):
    link = await world.sent_link(**more)
    await world.transfer(10000, link.creditor_reference)
    return link


async def amounts_due(world: World, link, since: int) -> list:
    """amount_due of every event of the link after the first `since`."""
    rows = await world.rows(
        "SELECT subject, body FROM outbox WHERE aggregate_id = $1 ORDER BY seq OFFSET $2",
        link.id,
        since,
    )
    assert rows
    return [
        events.MESSAGES[row["subject"]].FromString(row["body"]).payment_link.amount_due
        for row in rows
    ]


async def send(world: World, link):
    return await world.call(
        "SendPaymentLink", pb.SendPaymentLinkRequest(payment_link_id=link.id), key=f"s{link.id}"
    )


async def reissue(world: World, link):
    request = pb.ReissuePaymentLinkRequest(payment_link_id=link.id)
    return (await world.call("ReissuePaymentLink", request, key=f"r{link.id}")).payment_link


async def remind(world: World, _link):
    await world.advance(days=1, hours=1)
    await world.work()


async def expire_and_reissue(world: World, link):
    await world.advance(days=31)
    await world.work()
    return await reissue(world, link)


@pytest.mark.parametrize("ask", [remind, send, reissue, expire_and_reissue])
async def test_reminders_resends_and_reissues_ask_for_the_rest(world: World, ask):
    link = await half_paid(world)
    before = len(await world.subjects(link))
    await ask(world, link)
    assert set(map(str, await amounts_due(world, link, before))) == {str(REST)}
    address = pb.GetPaymentLinkAddressRequest(payment_link_id=link.id)
    assert (await world.call("GetPaymentLinkAddress", address)).payment_link.amount_due == REST
    assert (await world.get(link)).amount_due == REST


async def test_the_page_its_transfer_code_and_the_card_charge_ask_for_the_rest(world: World):
    link = await half_paid(world)
    page = await world.page(link)
    assert page.payment_link.amount_due == page.transfer.amount == REST
    assert "\nEUR29.00\n" in page.transfer.epc_payload
    assert await refused(world.pay(link, 12900)) == "amount_changed"
    await world.pay(link, 2900)
    assert [payment.amount for payment in world.payments.books.values()] == [REST]
    paid = await world.get(link)
    assert (paid.state, paid.amount_due, paid.paid_minor) == (Link.STATE_PAID, money(0), 12900)


async def test_an_automatic_reissue_asks_for_the_rest(world: World):
    link = await half_paid(world, expires_in_days=2, reissue_on_expiry=True)
    await world.advance(days=2, seconds=1)
    await world.work()
    again = await world.get(link)
    assert (again.reissues, again.amount_due) == (1, REST)
    page = (await world.visit("GetPayPage", token=token_of(again))).page
    assert page.payment_link.amount_due == REST


async def test_a_partly_paid_deposit_leaves_the_rest_of_the_deposit_due(world: World):
    link = await world.sent_link(deposit=money(3900))
    await world.transfer(1000, link.creditor_reference)
    assert (await world.get(link)).amount_due == REST
    await world.pay(link, 2900)
    request = pb.CreateBalanceLinkRequest(payment_link_id=link.id)
    balance = (await world.call("CreateBalanceLink", request, key="b")).payment_link
    assert balance.amount_due == money(9000)


async def test_each_use_of_a_reusable_link_costs_the_same(world: World):
    link = await world.link(reusable=True)
    await world.transfer(12900, link.creditor_reference)
    used = await world.get(link)
    assert (used.uses, used.amount_due) == (1, money(12900))
    last = await world.rows(
        "SELECT body FROM outbox WHERE aggregate_id = $1 ORDER BY seq DESC LIMIT 1", link.id
    )
    paid = events_pb2.PaymentLinkPaid.FromString(last[0]["body"])
    assert paid.payment_link.amount_due == money(12900)
