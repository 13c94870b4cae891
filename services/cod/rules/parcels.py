"""The parcels of an order, and the amount that its courier will collect for each. Pure.

The parts sum to the order's amount, however they are distributed: one parcel may carry all of it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from services.cod.rules.couriers import CollectionMode
from services.cod.rules.states import PARCEL_INITIAL, ParcelState

MOST_PARCELS: Final = 20  # per order


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """`last_event_at`: time of the latest event that counted."""

    merchant_id: str
    courier_id: str
    tracking_number: str
    order_id: str
    position: int
    state: ParcelState = PARCEL_INITIAL
    to_collect_minor: int
    collected_minor: int = 0
    collected_in: CollectionMode | None = None
    collected_at: datetime | None = None
    last_event_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AcknowledgedParcel:
    """A parcel that a courier has accepted, with the amount it will collect."""

    order_reference: str
    tracking_number: str
    to_collect_minor: int


def by_order(stated: Sequence[AcknowledgedParcel]) -> Mapping[str, Sequence[AcknowledgedParcel]]:
    """Parcels by reference, in the order of first appearance."""
    found: dict[str, list[AcknowledgedParcel]] = {}
    for parcel in stated:
        found.setdefault(parcel.order_reference, []).append(parcel)
    return found


def twice(stated: Sequence[AcknowledgedParcel]) -> Collection[str]:
    """Tracking numbers that occur more than once."""
    counted = Counter(parcel.tracking_number for parcel in stated)
    return {number for number, count in counted.items() if count > 1}


def are_known(parcels: Sequence[Parcel], stated: Sequence[AcknowledgedParcel]) -> bool:
    """Whether these are the known parcels with the same amounts."""
    known = {(parcel.tracking_number, parcel.to_collect_minor) for parcel in parcels}
    return known == {(parcel.tracking_number, parcel.to_collect_minor) for parcel in stated}


def taken_up(
    stated: Sequence[AcknowledgedParcel], *, merchant_id: str, courier_id: str, order_id: str
) -> tuple[Parcel, ...]:
    return tuple(
        Parcel(
            merchant_id=merchant_id,
            courier_id=courier_id,
            tracking_number=each.tracking_number,
            order_id=order_id,
            position=position,
            to_collect_minor=each.to_collect_minor,
        )
        for position, each in enumerate(stated)
    )


def with_parcel(parcels: Sequence[Parcel], after: Parcel) -> tuple[Parcel, ...]:
    """The same parcels, with this one updated."""
    number = after.tracking_number
    return tuple(after if each.tracking_number == number else each for each in parcels)


def sum_minor(parcels: Sequence[Parcel]) -> int:
    return sum(parcel.to_collect_minor for parcel in parcels)


def collected(parcel: Parcel, *, amount_minor: int, mode: CollectionMode, at: datetime) -> Parcel:
    return replace(
        parcel,
        state=ParcelState.COLLECTED,
        collected_minor=amount_minor,
        collected_in=mode,
        collected_at=at,
    )
