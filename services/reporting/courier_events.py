"""Turns couriers' remittances, as cod reports them, into settlement lines: the amount per order, and
remittance lines that a person closed without an order.
"""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from incasso.cod.v1 import events_pb2 as cod
from incasso.cod.v1 import remittances_pb2 as pb
from libs import descriptors, ids
from libs.bus import Event
from services.reporting.rules.lines import LineSource, SettlementLine
from services.reporting.rules.settlement_kinds import SettlementKind

_PREFIX: Final = "incasso."
_OF_ORDERS: Final = (cod.CodOrderRemitted, cod.CodOrderShort, cod.CodOrderPartlyRemitted)
_OF_NOBODY: Final = {
    pb.REMITTANCE_CLOSING_NOT_OURS,
    pb.REMITTANCE_CLOSING_GIVEN_BACK,
}
_BY_SUBJECT: Final[Mapping[str, Any]] = {
    descriptors.subject_of(message()): message
    for message in (*_OF_ORDERS, cod.CodRemittanceLineResolved)
}
SUBJECTS: Final = tuple(_BY_SUBJECT)


def line_of(event: Event, zone: ZoneInfo) -> SettlementLine | None:
    """None if no money was remitted. `zone`: the merchant's. Raises KeyError for other events."""
    kind = _BY_SUBJECT[event.subject]
    message = kind.FromString(event.body)
    found = _of_order(message) if kind in _OF_ORDERS else _of_nobody(message)
    if found is None:
        return None
    day = event.occurred_at.astimezone(zone).date()
    return SettlementLine(
        merchant_id=event.merchant_id,
        id=ids.derived("stl", f"{event.merchant_id} {event.event_id}", on=day),
        happened_on=day,
        source=LineSource.COURIER,
        provider_kind=event.subject.removeprefix(_PREFIX),
        event_id=event.event_id,
        created_at=event.occurred_at,
        **found,
    )


def _of_order(message: Any) -> dict[str, Any]:
    """Gross is the courier's cut plus the remitted amount; a shortage is still owed."""
    order, brought = message.order, message.remitted
    return {
        "kind": SettlementKind.CHARGE,
        "party": order.courier_id,
        "provider_reference": brought.remittance_id,
        "payout_reference": brought.remittance_id,
        "order_reference": order.order_reference or None,
        "custom_reference": order.id,
        "gross_minor": brought.remitted_minor + brought.kept_minor,
        "fee_minor": -brought.kept_minor,
        "net_minor": brought.remitted_minor,
        "shortage_minor": brought.shortage_minor,
        "currency": order.amount.currency,
    }


def _of_nobody(message: cod.CodRemittanceLineResolved) -> dict[str, Any] | None:
    """A closed line that belongs to no order: its money still arrived."""
    line = message.line
    is_booked = line.kept_minor != 0 or line.shortage_minor != 0
    if line.closed_as not in _OF_NOBODY or is_booked or not line.remitted_minor:
        return None
    return {
        "kind": SettlementKind.OTHER,
        "party": message.courier_id,
        "provider_reference": line.remittance_id,
        "payout_reference": line.remittance_id,
        "operation_reference": line.id,
        "order_reference": line.sender_reference or None,
        "gross_minor": line.remitted_minor,
        "fee_minor": 0,
        "net_minor": line.remitted_minor,
        "currency": message.currency,
    }
