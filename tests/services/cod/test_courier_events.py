"""The results of couriers' events about parcels, in any order and however often repeated: by tables."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import ids
from services.cod.rules import courier_events as rules
from services.cod.rules.courier_events import Concern, CourierEvent, Outcome
from services.cod.rules.couriers import CollectionMode
from services.cod.rules.orders import Order
from services.cod.rules.states import OrderState, ParcelEvent, ParcelState
from tests.services.cod.given import NOW, dispatched

State, Kind = OrderState, ParcelEvent
OUT, FAILED, COLLECTED, REFUSED, RETURNED = (
    Kind.OUT_FOR_DELIVERY, Kind.ATTEMPT_FAILED, Kind.COLLECTED, Kind.REFUSED, Kind.RETURNED,
)  # fmt: skip


def reported(kind: ParcelEvent, *, hours: int = 0, parcel: int = 0, **more: Any) -> CourierEvent:
    return CourierEvent(
        merchant_id="mer_1",
        id=ids.new("cev"),
        courier_id="cou_1",
        event_id=ids.new("x"),
        tracking_number=str(parcel),
        kind=kind,
        occurred_at=NOW + timedelta(hours=hours),
        received_at=NOW,
        **more,
    )


def followed(order: Order, *events: CourierEvent) -> tuple[Order, list[CourierEvent]]:
    """Applies events one after another, in the order in which they arrive."""
    kept = []
    for one in events:
        applied = rules.apply(order, one)
        order = applied.order
        kept.append(applied.event)
    return order, kept


@pytest.mark.parametrize(
    ("kinds", "state", "attempts"),
    [
        ((OUT,), State.OUT_FOR_DELIVERY, 0),
        ((OUT, COLLECTED), State.COLLECTED, 0),
        ((COLLECTED,), State.COLLECTED, 0),  # nothing was reported on the way
        ((OUT, FAILED), State.DISPATCHED, 1),
        ((OUT, FAILED, OUT, FAILED), State.DISPATCHED, 2),
        ((OUT, FAILED, OUT, COLLECTED), State.COLLECTED, 1),
        ((OUT, REFUSED), State.REFUSED, 0),
        ((OUT, REFUSED, RETURNED), State.RETURNED, 0),
        ((RETURNED,), State.RETURNED, 0),
        ((REFUSED, OUT, COLLECTED), State.COLLECTED, 0),  # delivered again from storage
    ],
)
def test_an_order_follows_the_events_of_its_parcel(kinds, state, attempts):
    events = [reported(kind, hours=n) for n, kind in enumerate(kinds)]
    order, kept = followed(dispatched(5_000), *events)
    assert (order.state, order.attempts) == (state, attempts)
    assert {one.outcome for one in kept} == {Outcome.APPLIED}
    assert {one.exception for one in kept} == {None}
    assert order.collected_minor == (5_000 if state is State.COLLECTED else 0)


@pytest.mark.parametrize(
    ("before", "late", "outcome", "concern"),
    [
        # Already known under another id.
        ((COLLECTED, 5), (COLLECTED, 5), Outcome.REPEATED, None),
        ((REFUSED, 5), (REFUSED, 6), Outcome.REPEATED, None),
        ((RETURNED, 5), (RETURNED, 9), Outcome.REPEATED, None),
        # Reported late.
        ((OUT, 5), (OUT, 1), Outcome.LATE, None),
        ((COLLECTED, 5), (OUT, 1), Outcome.LATE, None),
        ((COLLECTED, 5), (FAILED, 1), Outcome.LATE, None),
        ((COLLECTED, 5), (REFUSED, 1), Outcome.LATE, None),
        ((COLLECTED, 5), (OUT, 9), Outcome.LATE, None),  # within a day the hour proves nothing
        ((RETURNED, 5), (REFUSED, 1), Outcome.LATE, None),
        # Contradicts what is known.
        ((COLLECTED, 5), (OUT, 99), Outcome.CONTRADICTS, Concern.ALREADY_COLLECTED),
        ((COLLECTED, 5), (REFUSED, 6), Outcome.CONTRADICTS, Concern.ALREADY_COLLECTED),
        ((COLLECTED, 5), (RETURNED, 1), Outcome.CONTRADICTS, Concern.ALREADY_COLLECTED),
        ((RETURNED, 5), (COLLECTED, 6), Outcome.CONTRADICTS, Concern.ALREADY_RETURNED),
        ((RETURNED, 5), (COLLECTED, 1), Outcome.CONTRADICTS, Concern.ALREADY_RETURNED),
        ((REFUSED, 5), (COLLECTED, 1), Outcome.CONTRADICTS, Concern.REFUSED_SINCE),
    ],
)
def test_a_repeated_late_or_contradicting_event_changes_nothing(before, late, outcome, concern):
    order, _ = followed(dispatched(5_000), reported(before[0], hours=before[1]))
    after, (kept,) = followed(order, reported(late[0], hours=late[1]))
    assert (kept.outcome, kept.exception) == (outcome, concern)
    assert after == order
    assert kept.cod_order_id == order.id


def test_a_final_event_counts_although_an_earlier_step_has_a_later_hour():
    """Some couriers report the end by day only, which is read as its first hour."""
    order, kept = followed(dispatched(5_000), reported(OUT, hours=8), reported(COLLECTED, hours=0))
    assert (order.state, kept[-1].outcome) == (State.COLLECTED, Outcome.APPLIED)


@pytest.mark.parametrize(
    ("fields", "collected", "concern"),
    [
        ({}, 5_000, None),
        ({"amount_minor": 5_000, "mode": CollectionMode.CASH}, 5_000, None),
        ({"amount_minor": 4_950}, 4_950, Concern.AMOUNT_DIFFERS),
        ({"amount_minor": 5_050}, 5_000, Concern.AMOUNT_DIFFERS),  # no order counts for more
        ({"amount_minor": 0}, 0, Concern.AMOUNT_DIFFERS),
        ({"mode": CollectionMode.BANK_CHEQUE}, 5_000, Concern.MODE_DIFFERS),
    ],
)
def test_a_collection_with_another_amount_or_mode_is_an_exception(fields, collected, concern):
    order, (kept,) = followed(dispatched(5_000), reported(COLLECTED, **fields))
    assert (order.state, order.collected_minor) == (State.COLLECTED, collected)
    assert (kept.outcome, kept.exception) == (Outcome.APPLIED, concern)
    assert order.parcels[0].collected_in is fields.get("mode", CollectionMode.CASH)


def test_an_order_of_two_parcels_is_collected_when_both_amounts_are():
    order, _ = followed(dispatched(2_000, 3_000), reported(COLLECTED, hours=1))
    assert (order.state, order.collected_minor) == (State.DISPATCHED, 2_000)
    order, (kept,) = followed(order, reported(COLLECTED, parcel=1, hours=4))
    assert (order.state, order.collected_minor) == (State.COLLECTED, 5_000)
    assert (kept.exception, order.collected_at) == (None, NOW + timedelta(hours=4))


def test_a_parcel_without_an_amount_is_not_waited_for_and_not_paid():
    order, _ = followed(dispatched(5_000, 0), reported(COLLECTED))
    assert order.state is State.COLLECTED
    again, (kept,) = followed(order, reported(COLLECTED, parcel=1, amount_minor=5_000))
    assert (again, kept.exception) == (order, Concern.NOTHING_TO_COLLECT)
    late, (kept,) = followed(order, reported(COLLECTED, parcel=1))
    assert (late.collected_minor, kept.outcome) == (5_000, Outcome.APPLIED)


def test_an_order_with_one_parcel_returned_is_partly_collected():
    order, _ = followed(dispatched(2_000, 3_000), reported(COLLECTED), reported(REFUSED, parcel=1))
    assert order.state is State.DISPATCHED  # the other may still be delivered
    order, (kept,) = followed(order, reported(RETURNED, parcel=1, hours=5))
    assert (order.state, order.collected_minor) == (State.COLLECTED, 2_000)
    assert kept.exception is Concern.PARTLY_COLLECTED


@pytest.mark.parametrize("kind", Kind)
def test_an_event_before_the_dispatch_waits_for_it(kind):
    order = replace(dispatched(5_000), state=State.CONFIRMED)
    after, (kept,) = followed(order, reported(kind))
    assert (after, kept.outcome) == (order, Outcome.WAITING)
    assert kept.exception is Concern.NOT_DISPATCHED


@pytest.mark.parametrize("kind", Kind)
def test_an_event_for_a_cancelled_order_is_an_exception(kind):
    order = replace(dispatched(5_000), state=State.CANCELLED)
    after, (kept,) = followed(order, reported(kind))
    assert (after, kept.outcome) == (order, Outcome.CONTRADICTS)
    assert kept.exception is Concern.ORDER_CANCELLED


SAID = st.builds(
    reported,
    st.sampled_from(Kind),
    hours=st.integers(0, 200),
    parcel=st.integers(0, 2),
    amount_minor=st.none() | st.integers(0, 10_000),
)


@given(st.lists(SAID, max_size=12), st.sampled_from([(5_000, 0, 0), (2_000, 3_000, 0), (1, 1, 1)]))
def test_whatever_is_told_an_order_is_collected_once_and_never_for_more(events, amounts):
    order, kept = followed(dispatched(*amounts), *events)
    assert len(kept) == len(events)  # none is lost
    assert 0 <= order.collected_minor <= order.to_collect_minor
    assert order.collected_minor == sum(parcel.collected_minor for parcel in order.parcels)
    applied = Counter(
        one.tracking_number
        for one in kept
        if one.kind is COLLECTED and one.outcome is Outcome.APPLIED
    )
    assert all(count == 1 for count in applied.values())
    # Reported again under other ids; under the courier's own they would be skipped as known.
    again, repeats = followed(order, *(replace(one, id=ids.new("cev")) for one in events))
    paid = [parcel for parcel in order.parcels if parcel.state is ParcelState.COLLECTED]
    assert [parcel for parcel in again.parcels if parcel in paid] == paid
    assert again.collected_minor <= again.to_collect_minor
    assert len(repeats) == len(events)
