"""Paid online while the courier collects: the merchant gets the price once. The cash stands, and the excess paid online
is refunded once, whichever was paid first and whichever is reported first.
"""

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.cod.converting import (
    convert,
    dispatched,
    link_of,
    pay,
    refund_moves,
    refunds,
    taken,
    with_fee,
    work,
)
from tests.services.cod.orders import event
from tests.services.cod.refusing import refused

Order, Refund = pb.CodOrder, payments_pb2.Refund
FAILED = "order.online_refund_failed"


async def both(shop, *, link_first: bool = True, amount_minor: int = 52_00):
    """An order both paid online and collected; `link_first`: which was reported first."""
    order = await dispatched(shop, 52_00)
    link = link_of(shop, await convert(shop, order))
    cash = event(order, "collected", amount_minor=amount_minor)
    if link_first:
        await pay(shop, link)
        await shop.report(cash)
    else:
        await shop.report(cash)
        await pay(shop, link)
    return order, link


async def retry(shop, order, *, key: str = "retry"):
    return (await shop.call("RetryCodOnlineRefund", cod_order_id=order.id, key=key)).order


@pytest.mark.parametrize("link_first", [True, False])
async def test_collected_cash_refunds_the_online_payment_once(shop, link_first):
    order, link = await both(shop, link_first=link_first)
    for _ in range(2):
        await work(shop)
        await pay(shop, link)
        after = await shop.get(order.id)
        assert (after.state, after.collected_minor) == (Order.STATE_COLLECTED, 52_00)
        assert (after.paid_online_minor, after.refunded_online_minor) == (50_00, 50_00)
        assert refunds(shop, link) == [50_00]
    (payload,) = await shop.bodies(
        order.id, events_pb2.CodOnlinePaymentRefunded, "order.online_payment_refunded"
    )
    assert (payload.payment_id, payload.amount.amount_minor) == (taken(shop, link).id, 50_00)


@pytest.mark.parametrize("link_first", [True, False])
async def test_partly_collected_cash_refunds_the_same_amount_online(shop, link_first):
    order, link = await both(shop, link_first=link_first, amount_minor=30_00)
    await work(shop)
    assert refunds(shop, link) == [30_00]
    after = await shop.get(order.id)
    brought = after.collected_minor + after.paid_online_minor - after.refunded_online_minor
    assert brought == after.amount.amount_minor  # its price, without the fee


async def test_each_collected_parcel_refunds_its_cash_up_to_the_amount_paid(shop):
    order = await dispatched(shop, 26_00, 26_00)
    link = link_of(shop, await convert(shop, order))
    await shop.report(event(order, "collected"))
    await pay(shop, link)
    assert (await shop.get(order.id)).state == Order.STATE_CONVERTED  # nothing is due at the door
    await work(shop)
    assert refunds(shop, link) == [26_00]
    await shop.report(event(order, "collected", parcel=1))
    await work(shop)
    assert refunds(shop, link) == [26_00, 24_00]


async def test_cash_reported_without_an_amount_refunds_the_whole_payment(shop):
    order = await dispatched(shop, 52_00)
    link = link_of(shop, await convert(shop, order))
    await pay(shop, link)
    (kept,) = await shop.report(event(order, "collected"))
    assert kept.exception == "paid_online"  # the courier should not have collected
    await work(shop)
    assert refunds(shop, link) == [50_00]


@pytest.mark.parametrize("how", ["cancelled", "returned", "changed"])
async def test_a_payment_for_a_cancelled_returned_or_changed_order_is_refunded(shop, how):
    order = await (dispatched(shop, 52_00) if how == "returned" else with_fee(shop))
    link = link_of(shop, await convert(shop, order))
    if how == "cancelled":
        await shop.call("CancelCodOrder", cod_order_id=order.id)
    elif how == "changed":
        await shop.call("ChangeCodOrder", cod_order_id=order.id, amount_minor=70_00)
    else:
        await shop.report(event(order, "returned"))
    before = await shop.get(order.id)
    await pay(shop, link)
    await work(shop)
    assert refunds(shop, link) == [50_00]
    assert (await shop.get(order.id)).state == before.state


async def test_a_second_payment_is_refunded_and_the_first_kept(shop):
    order = await with_fee(shop)
    first = link_of(shop, await convert(shop, order))
    await shop.call("ChangeCodOrder", cod_order_id=order.id, amount_minor=70_00)
    second = link_of(shop, await convert(shop, order))
    await pay(shop, second)
    await pay(shop, first)
    await work(shop)
    assert (refunds(shop, first), refunds(shop, second)) == ([50_00], [])
    assert (await shop.get(order.id)).state == Order.STATE_CONVERTED


async def test_a_lost_answer_refunds_once(shop):
    shop.world.payments.after["RefundPayment"] = once(lose_answer)
    order, link = await both(shop)
    await work(shop)
    await work(shop)
    assert refunds(shop, link) == [50_00]
    assert (await shop.get(order.id)).refunded_online_minor == 50_00


async def test_a_refund_in_processing_is_polled_until_it_succeeds(shop):
    shop.world.payments.refund_state = Refund.STATE_PROCESSING
    order, link = await both(shop)
    await work(shop)
    assert (await shop.get(order.id)).refunded_online_minor == 0
    (refund,) = taken(shop, link).refunds
    refund.state = Refund.STATE_SUCCEEDED
    await work(shop)
    assert (await shop.get(order.id)).refunded_online_minor == 50_00
    assert len(shop.world.payments.keys["RefundPayment"]) == 1


async def test_a_refused_refund_is_reported_and_retried_once_by_the_merchant(shop):
    shop.world.payments.before["RefundPayment"] = once(refuse(Kind.CONFLICT, "payment_disputed"))
    order, link = await both(shop)
    await work(shop)
    await work(shop)
    assert refunds(shop, link) == []
    (failed,) = await shop.bodies(order.id, events_pb2.CodOnlineRefundFailed, FAILED)
    assert (failed.reason, failed.amount.amount_minor) == ("payment_disputed", 50_00)
    for _ in range(2):
        await retry(shop, order)
        await work(shop)
    assert refunds(shop, link) == [50_00]
    assert await refused(retry(shop, order, key="more")) == "cod_nothing_to_give_back"


async def test_a_refund_that_fails_after_success_can_be_retried(shop):
    order, link = await both(shop)
    await work(shop)
    payment = taken(shop, link)
    (refund,) = payment.refunds
    refund.state, payment.refunded_minor = Refund.STATE_FAILED, 0
    await refund_moves(shop, payment, refund)
    assert (await shop.get(order.id)).refunded_online_minor == 0
    assert FAILED in await shop.published(order.id)
    await retry(shop, order)
    await work(shop)
    assert refunds(shop, link) == [50_00]
    assert (await shop.get(order.id)).refunded_online_minor == 50_00


@pytest.mark.parametrize("reported", [True, False])
async def test_a_refund_made_by_the_merchant_is_not_repeated(shop, reported):
    shop.world.payments.before["RefundPayment"] = once(refuse(Kind.CONFLICT, "payment_disputed"))
    order, link = await both(shop)
    await work(shop)
    payment = taken(shop, link)
    payment.refunded_minor = 50_00
    by_hand = payment.refunds.add(
        id=ids.new("ref"), state=Refund.STATE_SUCCEEDED, amount_minor=50_00, caller_key="gateway"
    )
    if reported:
        await refund_moves(shop, payment, by_hand)
    else:
        await retry(shop, order)
        await work(shop)
    assert (await shop.get(order.id)).refunded_online_minor == 50_00
    assert refunds(shop, link) == [50_00]
    assert await refused(retry(shop, order, key="more")) == "cod_nothing_to_give_back"


async def test_a_payment_by_bank_transfer_is_not_refunded_automatically(shop):
    order = await with_fee(shop)
    link = link_of(shop, await convert(shop, order))
    await shop.call("CancelCodOrder", cod_order_id=order.id)
    await pay(shop, link, by_transfer=True)
    await work(shop)
    (failed,) = await shop.bodies(order.id, events_pb2.CodOnlineRefundFailed, FAILED)
    assert failed.reason == "paid_by_bank_transfer"


async def test_a_refund_of_an_unknown_payment_is_ignored(shop):
    other = payments_pb2.Payment(id="pay_other", method="link")
    refund = other.refunds.add(id="ref_1", state=Refund.STATE_SUCCEEDED, amount_minor=5)
    await refund_moves(shop, other, refund)
    assert "order.online_payment_refunded" not in await shop.published()
