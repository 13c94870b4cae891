"""The public view of remittances: events of orders for which money was passed on, or should have
been.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from incasso.cod.v1 import events_pb2, remittances_pb2
from libs import outbox, wire
from libs.money import Money
from libs.outbox import NewEvent
from services.cod.order_events import order_pb
from services.cod.rules.matching import Claim
from services.cod.rules.orders import Order
from services.cod.rules.overdue import owed_minor
from services.cod.rules.remittances import Line, Remittance, short_before
from services.cod.rules.states import OrderEvent

_EVENTS: Final[Mapping[OrderEvent | None, Any]] = {
    OrderEvent.REMIT: events_pb2.CodOrderRemitted,
    OrderEvent.FALL_SHORT: events_pb2.CodOrderShort,
    None: events_pb2.CodOrderPartlyRemitted,
}


def remitted(
    order: Order,
    event: OrderEvent | None,
    lines: Sequence[Line],
    claims: Sequence[Claim],
    now: datetime,
) -> NewEvent:
    """`lines`: those of one remittance booked on the order; `claims`: the order's claims before."""
    brought = remittances_pb2.CodRemitted(
        remittance_id=lines[0].remittance_id,
        remitted_minor=sum(line.remitted_minor for line in lines),
        kept_minor=sum(line.kept_minor for line in lines),
        shortage_minor=sum(line.shortage_minor for line in lines),
        short_before_minor=short_before(claims, [line.parcel for line in lines]),
    )
    return outbox.event_of(order, _EVENTS[event](order=order_pb(order), remitted=brought), now)


def cleared(order: Order, remittance: Remittance, now: datetime) -> NewEvent:
    """Nothing more is expected for the order, although no more was passed on."""
    brought = remittances_pb2.CodRemitted(remittance_id=remittance.id)
    event = events_pb2.CodOrderRemitted(order=order_pb(order), remitted=brought)
    return outbox.event_of(order, event, now)


def line_resolved(remittance: Remittance, line: Line, now: datetime) -> NewEvent:
    event = events_pb2.CodRemittanceLineResolved(
        line=line_pb(line), courier_id=remittance.courier_id, currency=remittance.currency
    )
    return outbox.event_of(remittance, event, now)


def line_pb(line: Line) -> remittances_pb2.CodRemittanceLine:
    return wire.message(remittances_pb2.CodRemittanceLine, line)


def overdue(order: Order, claims: Sequence[Claim], now: datetime) -> NewEvent:
    """`claims`: what the courier owes for its parcels."""
    assert order.collected_at is not None  # it is overdue
    event = events_pb2.CodOrderOverdue(
        order=order_pb(order),
        courier_id=order.courier_id,
        owed=wire.money(Money(owed_minor(claims), order.amount.currency)),
        days=(now - order.collected_at).days,
    )
    return outbox.event_of(order, event, now)
