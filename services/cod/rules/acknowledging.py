"""Compares, by order, the amount that a courier says it will collect with the amount to collect.
Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from services.cod.rules import parcels
from services.cod.rules.orders import Order
from services.cod.rules.parcels import MOST_PARCELS, AcknowledgedParcel
from services.cod.rules.states import CHANGEABLE, OrderState


class Recorded(Enum):
    """The result of an acknowledgement for an order."""

    MATCHED = "matched"
    DIFFERS = "differs"
    ORDER_UNKNOWN = "order_unknown"
    DISPATCHED = "dispatched"
    TRACKING_NUMBER_TAKEN = "tracking_number_taken"
    TOO_MANY_PARCELS = "too_many_parcels"
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The result for one order, known or not."""

    order_reference: str
    cod_order_id: str | None = None
    outcome: Recorded
    acknowledged_minor: int
    to_collect_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beforehand: the orders of the tracking numbers, and numbers that occur
    twice.
    """

    owners: Mapping[str, str]
    twice: Collection[str]


def acknowledged(
    order_reference: str, stated: Sequence[AcknowledgedParcel], order: Order | None, known: Known
) -> tuple[Order | None, Acknowledgement]:
    """The order afterwards; None if it is unknown."""
    outcome, after = _judged(stated, order, known)
    return after, Acknowledgement(
        order_reference=order_reference,
        cod_order_id=None if order is None else order.id,
        outcome=outcome,
        acknowledged_minor=sum(parcel.to_collect_minor for parcel in stated),
        to_collect_minor=None if order is None else order.to_collect_minor,
    )


def _judged(
    stated: Sequence[AcknowledgedParcel], order: Order | None, known: Known
) -> tuple[Recorded, Order | None]:
    if order is None:
        return Recorded.ORDER_UNKNOWN, None
    if order.state is OrderState.CONVERTED:
        return Recorded.CONVERTED, order
    if order.state not in CHANGEABLE:
        same = parcels.are_known(order.parcels, stated)
        return (Recorded.MATCHED if same else Recorded.DISPATCHED), order
    if len(stated) > MOST_PARCELS:
        return Recorded.TOO_MANY_PARCELS, order
    numbers = {parcel.tracking_number for parcel in stated}
    others = {number for number in numbers if known.owners.get(number, order.id) != order.id}
    if others or numbers & set(known.twice):
        return Recorded.TRACKING_NUMBER_TAKEN, order
    after = taken_up(order, stated)
    matched = after.acknowledged_minor == order.to_collect_minor
    return (Recorded.MATCHED if matched else Recorded.DIFFERS), after


def taken_up(order: Order, stated: Sequence[AcknowledgedParcel]) -> Order:
    """The order with these parcels, whatever their sum: a difference is visible, and prevents the
    dispatch.
    """
    taken = parcels.taken_up(
        stated, merchant_id=order.merchant_id, courier_id=order.courier_id, order_id=order.id
    )
    return replace(order, parcels=taken, acknowledged_minor=parcels.sum_minor(taken))
