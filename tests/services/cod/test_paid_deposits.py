"""A deposit whose order changes, ends, or is paid online as a whole: the payment counts for it, or is refunded once."""

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs.errors import Kind, RemoteRefusal
from tests.services.cod.converting import (
    convert,
    deposit_link,
    end,
    link_of,
    links_of,
    pay,
    refunds,
    with_fee,
    work,
)
from tests.services.cod.depositing import asking, brought, cancel, paid, pay_on_page
from tests.services.cod.orders import event
from tests.services.cod.refusing import refused
from tests.services.cod.test_changes import change
from tests.services.cod.test_pages import online, page, token_of

Order, Deposit = pb.CodOrder, pb.CodOrderDeposit
Requested = events_pb2.CodMessageRequested


async def test_a_cancelled_order_refunds_its_deposit_once(shop):
    order = await paid(shop)
    after = await cancel(shop, order)
    assert after.deposit.state == Deposit.STATE_REFUNDING
    for _ in range(2):
        await work(shop)
        await pay(shop, deposit_link(shop, order))
    assert refunds(shop, deposit_link(shop, order)) == [10_00]
    back = (await shop.get(order.id)).deposit
    assert (back.state, back.paid_minor, back.refunded_minor) == (
        Deposit.STATE_REFUNDED,
        10_00,
        10_00,
    )
    assert await brought(shop, order) == 0


async def test_a_returned_order_refunds_its_deposit(shop):
    order = await paid(shop, 42_00)
    await shop.report(event(order, "refused"))
    await work(shop)
    assert refunds(shop, deposit_link(shop, order)) == []  # it may be delivered again
    await shop.report(event(order, "returned"))
    await work(shop)
    assert refunds(shop, deposit_link(shop, order)) == [10_00]
    assert await brought(shop, order) == 0


async def test_a_cancelled_order_closes_the_link_and_refunds_a_late_payment(shop):
    order = await asking(shop)
    link = deposit_link(shop, order)
    after = await cancel(shop, order)
    assert after.deposit == Deposit(state=Deposit.STATE_CANCELLED)
    await work(shop)
    assert shop.world.paylink.closed == [(link.id, False)]
    await pay(shop, link)
    await work(shop)
    assert refunds(shop, link) == [10_00]
    assert (await shop.get(order.id)).deposit.state == Deposit.STATE_REFUNDED
    assert "order.deposit_paid" not in await shop.published(order.id)


async def test_a_change_of_an_unpaid_deposit_replaces_its_link(shop):
    await shop.world.settings(deposit={"basis_points": 2000})
    order = await with_fee(shop)
    assert order.deposit_minor == 10_40
    changed = await change(shop, order, amount_minor=98_00)
    assert (changed.deposit_minor, changed.to_collect_minor) == (20_00, 80_00)
    assert changed.deposit_url.endswith(deposit_link(shop, order).id)
    assert deposit_link(shop, order).amount.amount_minor == 20_00
    assert await links_of(shop, order) == [(1, "closing"), (2, "open")]
    asked = [one for one in await shop.messages(order.id) if one.reason == Requested.REASON_DEPOSIT]
    assert [one.amount.amount_minor for one in asked] == [10_40, 20_00]
    await work(shop)
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]
    moved = await change(shop, order, recipient={"name": "Anna", "phone": "+393331234567"})
    assert moved.deposit_url == changed.deposit_url
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]


async def test_a_payment_by_a_replaced_link_is_refunded(shop):
    await shop.world.settings(deposit={"basis_points": 2000})
    order = await with_fee(shop)
    first = deposit_link(shop, order)
    await change(shop, order, amount_minor=98_00)
    await pay(shop, first)
    await work(shop)
    assert refunds(shop, first) == [10_40]
    assert (await shop.get(order.id)).deposit.state == Deposit.STATE_DUE
    await pay(shop, deposit_link(shop, order))
    await work(shop)
    assert (await shop.get(order.id)).deposit.state == Deposit.STATE_PAID
    assert await brought(shop, order) == 20_00


@pytest.mark.parametrize(
    ("amount_minor", "deposit_minor", "back"),
    [
        (98_00, 10_40, []),  # more is due: the courier collects it
        (28_00, 10_40, []),  # less is due: it counts for the price
        (8_40, 2_08, [8_32]),  # nothing would be left to collect
    ],
)
async def test_a_paid_deposit_counts_after_a_change(shop, amount_minor, deposit_minor, back):
    await shop.world.settings(deposit={"basis_points": 2000})
    order = await with_fee(shop)
    await pay(shop, deposit_link(shop, order))
    changed = await change(shop, order, amount_minor=amount_minor)
    assert changed.deposit_minor == deposit_minor
    assert changed.to_collect_minor == changed.total_minor - deposit_minor
    await work(shop)
    assert refunds(shop, deposit_link(shop, order)) == back
    assert (await shop.get(order.id)).deposit.state == Deposit.STATE_PAID
    await shop.acknowledge(changed)
    await shop.dispatch(order)
    await shop.report(event(order, "collected"))
    await work(shop)
    assert await brought(shop, order) == changed.total_minor


async def test_a_link_for_the_whole_price_closes_the_deposit_link(shop):
    order = await asking(shop)
    first = deposit_link(shop, order)
    whole = link_of(shop, await convert(shop, order))
    assert (whole.amount.amount_minor, shop.world.paylink.parts[whole.id]) == (50_00, "")
    assert not (await shop.get(order.id)).HasField("deposit_url")
    await work(shop)
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]
    await pay(shop, whole)
    after = await shop.get(order.id)
    assert (after.state, after.deposit_minor) == (Order.STATE_CONVERTED, 0)
    await pay(shop, first)  # it was being paid at the same time
    await work(shop)
    assert (refunds(shop, first), refunds(shop, whole)) == ([10_00], [])
    assert await brought(shop, order) == 50_00


async def test_a_deposit_paid_first_is_kept_and_a_later_full_payment_refunded(shop):
    order = await asking(shop)
    first = deposit_link(shop, order)
    whole = link_of(shop, await convert(shop, order))
    await pay(shop, first)
    await pay(shop, whole)
    await work(shop)
    assert (refunds(shop, first), refunds(shop, whole)) == ([], [50_00])
    after = await shop.get(order.id)
    assert (after.state, after.deposit.state) == (Order.STATE_CONFIRMED, Deposit.STATE_PAID)
    assert await brought(shop, order) == 10_00


async def test_the_deposit_can_be_requested_again_after_a_link_for_the_price(shop):
    order = await asking(shop)
    await online(shop, order)
    assert await links_of(shop, order) == [(1, "closing"), (2, "open")]
    await pay_on_page(shop, order)
    assert await links_of(shop, order) == [(1, "closing"), (2, "closing"), (3, "open")]


async def test_after_an_ended_or_refused_full_link_the_deposit_link_returns(shop):
    order = await asking(shop)
    await end(shop, link_of(shop, await convert(shop, order)))
    assert (await links_of(shop, order))[-1] == (3, "wanted")
    shop.world.paylink.refusal = RemoteRefusal(Kind.CONFLICT, "merchant_closed", "no")
    assert await refused(convert(shop, order)) == "merchant_closed"
    shop.world.paylink.refusal = None
    await work(shop)
    assert (await links_of(shop, order))[-2:] == [(4, "closed"), (5, "open")]


async def test_after_deposit_and_balance_online_collected_cash_refunds_the_balance(shop):
    order = await paid(shop, 42_00)
    rest = link_of(shop, await convert(shop, order))
    await pay(shop, rest)
    after = await shop.get(order.id)
    assert (after.state, after.deposit_minor) == (Order.STATE_CONVERTED, 10_00)
    assert await brought(shop, order) == 50_00
    await shop.report(event(order, "collected"))  # the courier collects anyway
    await work(shop)
    assert refunds(shop, rest) == [40_00]
    assert refunds(shop, deposit_link(shop, order)) == []
    assert await brought(shop, order) == 52_00
    assert (await page(shop, token_of(order))).paid_online_minor == 0


async def test_a_deposit_by_bank_transfer_is_not_refunded_automatically(shop):
    order = await asking(shop)
    await pay(shop, deposit_link(shop, order), by_transfer=True)
    after = await cancel(shop, order)
    await work(shop)
    (failed,) = await shop.bodies(
        order.id, events_pb2.CodOnlineRefundFailed, "order.online_refund_failed"
    )
    assert failed.reason == "paid_by_bank_transfer"
    assert after.deposit.state == (await shop.get(order.id)).deposit.state
