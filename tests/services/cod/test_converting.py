"""An order that was to be paid at the door is paid online, by a link for its price without the cash fee. Cash stays due
until the transaction that records the payment of the link.
"""

import asyncio

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs.errors import Kind, RemoteRefusal
from tests.kit.crashing import NO_ANSWER
from tests.kit.payments_double import once
from tests.services.cod.converting import (
    convert,
    deposit_link,
    dispatched,
    end,
    link_of,
    links_of,
    pay,
    with_fee,
    work,
)
from tests.services.cod.orders import event
from tests.services.cod.refusing import refused

Order, Link = pb.CodOrder, pb.CodPaymentLink


async def test_a_link_is_for_the_price_without_the_fee_and_has_a_qr_code(shop):
    order = await with_fee(shop)
    assert order.to_collect_minor == 52_00
    answer = await convert(shop, order)
    shown = answer.payment_link
    assert (shown.state, shown.amount.amount_minor) == (Link.STATE_OPEN, 50_00)
    assert shown.url.endswith(shown.payment_link_id)
    assert (shown.qr_svg, shown.qr_png_data_url[:22]) == ("<svg/>", "data:image/png;base64,")
    link = link_of(shop, answer)
    assert (link.cod_order_id, link.cod_link_number) == (order.id, 1)
    assert link.description == f"Ordine {order.order_reference}"
    assert answer.order.state == Order.STATE_CONFIRMED  # cash stays due until it is paid


async def test_after_a_deposit_the_link_is_for_the_balance(shop):
    order = await with_fee(shop, deposit_minor=10_00)
    await pay(shop, deposit_link(shop, order))
    link = link_of(shop, await convert(shop, order))
    assert link.amount.amount_minor == 40_00
    assert shop.world.paylink.parts[link.id] == "balance"


async def test_paying_the_link_converts_the_order_and_drops_the_fee(shop):
    order = await with_fee(shop)
    await pay(shop, link_of(shop, await convert(shop, order)))
    after = await shop.get(order.id)
    assert (after.state, after.paid_online_minor) == (Order.STATE_CONVERTED, 50_00)
    assert (after.to_collect_minor, after.fee_minor, after.total_minor) == (0, 0, 50_00)
    (payload,) = await shop.bodies(order.id, events_pb2.CodOrderConverted, "order.converted")
    assert payload.paid.amount_minor == 50_00
    assert (payload.fee_minor, payload.fee_vat_minor) == (2_00, 36)
    assert payload.payment_id == f"pay_{payload.payment_link_id}"
    assert "order.collection_cancelled" not in await shop.published(order.id)  # no courier has it
    assert await refused(shop.dispatch(order)) == "cod_order_closed"
    assert await refused(shop.call("CancelCodOrder", cod_order_id=order.id)) == "cod_order_closed"
    answer = await shop.acknowledge(order)
    assert answer.outcome == pb.CodAcknowledgement.OUTCOME_CONVERTED


@pytest.mark.parametrize("kind", ["", "out_for_delivery", "attempt_failed", "refused"])
async def test_paying_the_link_after_dispatch_cancels_the_couriers_collection(shop, kind):
    order = await dispatched(shop, 52_00)
    if kind:
        await shop.report(event(order, kind))
    await pay(shop, link_of(shop, await convert(shop, order)))
    after = await shop.get(order.id)
    assert (after.state, after.HasField("acknowledged_minor")) == (Order.STATE_CONVERTED, False)
    (payload,) = await shop.bodies(
        order.id, events_pb2.CodOrderCollectionCancelled, "order.collection_cancelled"
    )
    assert (payload.courier_id, payload.parcels[0].to_collect_minor) == (shop.courier_id, 52_00)


async def test_a_converted_order_stays_converted_when_delivered_or_returned(shop):
    delivered, back = await dispatched(shop, 52_00), await dispatched(shop, 52_00)
    for order in (delivered, back):
        await pay(shop, link_of(shop, await convert(shop, order)))
    (over, came_back) = await shop.report(
        event(delivered, "collected", amount_minor=0), event(back, "returned")
    )
    assert (over.outcome, over.is_exception) == (pb.CourierEvent.OUTCOME_APPLIED, False)
    assert came_back.exception == "paid_online"
    for order in (delivered, back):
        after = await shop.get(order.id)
        assert (after.state, after.collected_minor) == (Order.STATE_CONVERTED, 0)


async def test_a_payment_event_after_a_delivery_without_cash_converts_the_order(shop):
    order = await dispatched(shop, 52_00)
    link = link_of(shop, await convert(shop, order))
    await shop.report(event(order, "collected", amount_minor=0))
    await pay(shop, link)
    assert (await shop.get(order.id)).state == Order.STATE_CONVERTED


async def test_repeated_and_concurrent_conversions_return_the_one_open_link(shop):
    order = await with_fee(shop)
    answers = await asyncio.gather(*(convert(shop, order) for _ in range(4)))
    answers.append(await convert(shop, order, key="again"))
    answers.append(await convert(shop, order, key="again"))
    assert len({answer.payment_link.url for answer in answers}) == 1
    assert await links_of(shop, order) == [(1, "open")]


async def test_after_a_link_ends_cash_stays_due_and_a_new_link_can_be_created(shop):
    order = await with_fee(shop)
    for how in ("expired", "cancelled"):
        await end(shop, link_of(shop, await convert(shop, order)), how=how)
        assert (await shop.get(order.id)).state == Order.STATE_CONFIRMED
    await convert(shop, order)
    assert await links_of(shop, order) == [(1, "closed"), (2, "closed"), (3, "open")]


async def test_collected_cash_closes_the_link_as_paid_otherwise(shop):
    order = await dispatched(shop, 52_00)
    link = link_of(shop, await convert(shop, order))
    await shop.report(event(order, "collected"))
    await work(shop)
    assert shop.world.paylink.closed == [(link.id, True)]
    assert await refused(convert(shop, order)) == "cod_order_closed"


async def test_a_cancelled_changed_or_returned_order_closes_its_link(shop):
    cancelled, changed, back = await with_fee(shop), await with_fee(shop), await dispatched(shop)
    links = [link_of(shop, await convert(shop, order)) for order in (cancelled, changed, back)]
    await shop.call("CancelCodOrder", cod_order_id=cancelled.id)
    await shop.call("ChangeCodOrder", cod_order_id=changed.id, amount_minor=70_00)
    await shop.report(event(back, "returned"))
    await work(shop)
    assert sorted(shop.world.paylink.closed) == sorted((link.id, False) for link in links)
    assert (await convert(shop, changed)).payment_link.amount.amount_minor == 70_00


async def test_a_link_being_paid_is_not_closed_until_the_payment_ends(shop):
    order = await with_fee(shop)
    link = link_of(shop, await convert(shop, order))
    shop.world.paylink.paying.add(link.id)
    await shop.call("CancelCodOrder", cod_order_id=order.id)
    await work(shop)
    assert await links_of(shop, order) == [(1, "closing")]
    shop.world.paylink.paying.clear()
    await work(shop)
    assert await links_of(shop, order) == [(1, "closed")]


async def test_a_partly_collected_order_cannot_be_converted(shop):
    order = await dispatched(shop, 26_00, 26_00)
    await shop.report(event(order, "collected"))
    assert await refused(convert(shop, order)) == "cod_nothing_to_pay_online"


async def test_a_redelivered_or_early_payment_event_converts_once(shop):
    shop.world.paylink.after["CreateCodLink"] = once(NO_ANSWER)
    order = await with_fee(shop)
    assert await refused(convert(shop, order)) == "service_unavailable"
    (link,) = shop.world.paylink.links.values()
    for _ in range(2):
        await pay(shop, link)
    await work(shop)
    assert (await shop.published(order.id)).count("order.converted") == 1
    assert await links_of(shop, order) == [(1, "paid")]


async def test_a_link_that_failed_during_an_outage_is_created_once_later(shop):
    order = await with_fee(shop)
    shop.world.paylink.down = True
    assert await refused(convert(shop, order, key="one")) == "service_unavailable"
    shop.world.paylink.down = False
    await work(shop)
    answer = await convert(shop, order, key="one")
    assert answer.payment_link.state == Link.STATE_OPEN
    assert len(shop.world.paylink.links) == 1


async def test_a_refused_link_is_closed_and_a_new_one_can_be_created(shop):
    order = await with_fee(shop)
    shop.world.paylink.refusal = RemoteRefusal(Kind.CONFLICT, "bank_account_missing", "no")
    assert await refused(convert(shop, order)) == "bank_account_missing"
    shop.world.paylink.refusal = None
    assert (await convert(shop, order)).payment_link.state == Link.STATE_OPEN
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]


async def test_cash_reported_before_dispatch_is_applied_when_the_link_is_paid(shop):
    order = await with_fee(shop)
    await shop.acknowledge(order)
    link = link_of(shop, await convert(shop, order))
    (waiting,) = await shop.report(event(order, "collected"))
    assert waiting.outcome == pb.CourierEvent.OUTCOME_WAITING
    await pay(shop, link)
    after = await shop.get(order.id)
    assert (after.state, after.collected_minor) == (Order.STATE_COLLECTED, 52_00)


async def test_another_merchants_order_is_not_converted(shop, stranger):
    order = await with_fee(shop)
    assert await refused(convert(stranger, order)) == "cod_order_not_found"
