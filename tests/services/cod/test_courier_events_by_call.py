"""Couriers' events about parcels, by RPC: in batches, out of order, repeated, before the dispatch and too late."""

from datetime import timedelta

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs import clock, wire
from tests.services.cod.orders import GIULIA, event
from tests.services.cod.refusing import refused


async def test_a_batch_is_applied_in_order_of_time(shop):
    order = await shop.dispatched()
    now = clock.world_now()
    kept = await shop.report(
        event(order, "collected", at=now),
        event(order, "out_for_delivery", at=now - timedelta(hours=2)),
    )
    applied = pb.CourierEvent.OUTCOME_APPLIED
    assert [one.outcome for one in kept] == [applied, applied]
    assert [one.kind for one in kept] == [
        pb.COURIER_EVENT_KIND_COLLECTED,
        pb.COURIER_EVENT_KIND_OUT_FOR_DELIVERY,
    ]
    after = await shop.get(order.id)
    assert (after.state, after.collected_minor) == (pb.CodOrder.STATE_COLLECTED, 50_00)
    assert (await shop.published(order.id))[2:] == [
        "order.dispatched",
        "order.out_for_delivery",
        "parcel.collected",
        "order.collected",
    ]


async def test_an_event_id_counts_once_in_a_batch_and_after(shop):
    order = await shop.dispatched()
    one = event(order, "attempt_failed")
    first, second = await shop.report(one, one)
    assert first == second
    assert await shop.report(one) == [first]
    assert (await shop.get(order.id)).attempts == 1
    assert (await shop.published(order.id)).count("order.attempt_failed") == 1


async def test_each_parcels_collection_is_reported_once_with_its_share_of_the_fee(shop):
    fee = {"tiers": [{"fixed_minor": 2_00}], "vat_basis_points": 2200}
    await shop.world.settings(sells_to_consumers=False, fee=fee)
    order = await shop.propose(50_00)
    await shop.acknowledge(order, 1_00, 51_00)
    await shop.dispatch(order)
    await shop.report(event(order, "collected"), event(order, "collected", parcel=1))
    await shop.report(event(order, "collected"))  # already known
    sums = await shop.bodies(order.id, events_pb2.CodParcelCollected, "parcel.collected")
    assert [one.collected.amount_minor for one in sums] == [1_00, 51_00]
    assert [one.fee_minor for one in sums] == [1_00, 1_00]
    assert sum(one.fee_vat_minor for one in sums) == order.fee_vat_minor == 36
    assert {one.courier_id for one in sums} == {shop.courier_id}
    (whole,) = await shop.bodies(order.id, events_pb2.CodOrderCollected, "order.collected")
    assert whole.collected.amount_minor == whole.order.total_minor == 52_00
    assert not sums[0].HasField("remit_due_at")
    assert sums[1].remit_due_at == whole.order.remit_due_at
    assert whole.order == await shop.as_published(order.id)


async def test_events_before_the_dispatch_are_applied_at_the_dispatch(shop):
    order = await shop.propose()
    early = event(order, "out_for_delivery")
    (unknown,) = await shop.report(early)
    assert (unknown.outcome, unknown.exception) == (
        pb.CourierEvent.OUTCOME_WAITING,
        "unknown_parcel",
    )
    await shop.acknowledge(order)
    (waiting,) = await shop.report(event(order, "collected"))
    assert waiting.exception == "not_dispatched"
    assert (await shop.dispatch(order)).state == pb.CodOrder.STATE_COLLECTED
    listed = (await shop.call("ListCourierEvents", cod_order_id=order.id)).data
    assert {one.outcome for one in listed} == {pb.CourierEvent.OUTCOME_APPLIED}
    assert not any(one.exception for one in listed)
    assert (await shop.report(early))[0].outcome == pb.CourierEvent.OUTCOME_APPLIED


async def test_events_are_listed_by_exception_and_tracking_number(shop):
    order = await shop.dispatched()
    await shop.report(event(order, "returned"))
    await shop.report(event(order, "collected"))
    (listed,) = (await shop.call("ListCourierEvents", is_exception=True)).data
    assert (listed.exception, listed.cod_order_id) == ("already_returned", order.id)
    (other,) = (await shop.call("ListCourierEvents", is_exception=False)).data
    assert other.kind == pb.COURIER_EVENT_KIND_RETURNED
    number = listed.tracking_number
    both = (await shop.call("ListCourierEvents", tracking_number=number)).data
    assert [one.id for one in both] == [listed.id, other.id]


async def test_an_exception_is_listed_until_it_is_resolved_once(shop, stranger):
    order = await shop.dispatched()
    (fine,) = await shop.report(event(order, "returned"))
    (wrong,) = await shop.report(event(order, "collected"))
    assert (fine.is_exception, wrong.is_exception) == (False, True)

    def resolve(one, resolution, by=shop):
        fields = {"courier_event_id": one.id, "resolution": resolution}
        return by.call("ResolveCourierEvent", **fields)

    assert await refused(resolve(wrong, "Mine", stranger)) == "courier_event_not_found"
    assert await refused(resolve(fine, "Why?")) == "courier_event_not_exception"
    resolved = (await resolve(wrong, "It was another parcel")).event
    assert (resolved.resolution, resolved.resolved_by) == ("It was another parcel", "key_1")
    assert (resolved.is_exception, resolved.exception) == (False, "already_returned")
    assert (await resolve(wrong, "Something else")).event == resolved  # the first stays
    assert list((await shop.call("ListCourierEvents", is_exception=True)).data) == []


async def test_an_event_for_another_merchants_parcel_is_unknown(shop, stranger):
    order = await shop.dispatched()
    (kept,) = await stranger.report(event(order, "collected"))
    assert kept.exception == "unknown_parcel"
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_DISPATCHED


async def test_a_returned_order_may_be_proposed_again(shop):
    order = await shop.dispatched(order_reference="A-1")
    assert await refused(shop.propose(order_reference="A-1")) == "cod_order_exists"
    await shop.report(event(order, "returned"))
    assert (await shop.get(order.id)).HasField("ended_at")
    assert (await shop.propose(order_reference="A-1")).id != order.id


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("refused", {"amount_minor": 1}),
        ("out_for_delivery", {"mode": "COLLECTION_MODE_CASH"}),
        ("collected", {"occurred_at": wire.timestamp(clock.world_now() + timedelta(days=3))}),
    ],
)
async def test_an_invalid_event_is_refused_by_field_and_none_is_recorded(shop, kind, more):
    order = await shop.dispatched()
    refusal = await refused(
        shop.report(event(order, "returned"), event(order, kind, **more)), whole=True
    )
    assert refusal.reason == "invalid_argument"
    assert refusal.violations[0].field == f"events.1.{next(iter(more))}"
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_DISPATCHED  # none was recorded


async def test_a_recipient_with_too_many_recent_refusals_is_refused(shop):
    await shop.world.settings(refusals={"most": 1, "within_days": 30})
    for _ in range(2):
        await shop.report(event(await shop.dispatched(), "refused"))
    refusal = await refused(shop.propose(), whole=True)
    assert (refusal.facts["because"], refusal.facts["because_of"]) == ("refusals", "2")
    by_mail = {"name": "G.", "email": GIULIA["email"].upper()}
    assert await refused(shop.propose(recipient=by_mail)) == "cod_not_available"
    assert await shop.propose(recipient={"name": "Marco", "phone": "+393337654321"})
    shop.world.ahead = timedelta(days=31)
    assert await shop.propose()


async def test_a_refusal_followed_by_collection_does_not_count(shop):
    await shop.world.settings(refusals={"most": 0})
    order = await shop.dispatched()
    await shop.report(event(order, "refused"))
    assert await refused(shop.propose()) == "cod_not_available"
    await shop.report(event(order, "collected"))
    assert await shop.propose()


async def test_the_offer_considers_the_customers_refusals(shop):
    await shop.world.settings(refusals={"most": 0})
    order = await shop.dispatched(customer_id="cus_giulia")
    await shop.report(event(order, "refused"))
    (offer,) = await shop.world.offers(customer_id="cus_giulia")
    assert (offer.available, offer.reason) == (False, "refusals")
    assert (await shop.world.offers(customer_id="cus_marco"))[0].available
    assert (await shop.world.offer(customer_id="cus_giulia")).reason == "refusals"
