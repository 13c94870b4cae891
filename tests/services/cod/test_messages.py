"""What recipients are told of what becomes of their orders."""

from datetime import timedelta

from incasso.cod.v1 import events_pb2
from libs import clock
from tests.services.cod.orders import event

Requested = events_pb2.CodMessageRequested


async def reasons(shop, order) -> list[int]:
    return [message.reason for message in await shop.messages(order.id)]


async def test_who_is_said_to_have_refused_is_told_once_what_to_do(shop):
    order = await shop.dispatched()
    told = event(order, "refused")
    for _ in range(2):
        await shop.tell(told)
    await shop.tell(event(order, "refused"))
    told = [Requested.REASON_DISPATCHED, Requested.REASON_REFUSED]
    assert await reasons(shop, order) == told
    last = (await shop.messages(order.id))[-1]
    assert (last.order_reference, last.amount.amount_minor) == (order.order_reference, 50_00)


async def test_who_has_taken_it_by_now_is_not_told_of_a_refusal(shop):
    order, at = await shop.dispatched(), clock.world_now()
    refused = event(order, "refused", at=at - timedelta(hours=2))
    await shop.tell(refused, event(order, "collected", at=at))
    assert await reasons(shop, order) == [Requested.REASON_DISPATCHED]


async def test_who_refuses_twice_is_told_twice(shop):
    order, at = await shop.dispatched(), clock.world_now()
    for hours, kind in ((3, "refused"), (2, "out_for_delivery"), (1, "refused")):
        await shop.tell(event(order, kind, at=at - timedelta(hours=hours)))
    assert (await reasons(shop, order)).count(Requested.REASON_REFUSED) == 2
