"""The public view of cash refunds: resources as protobuf, and their events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from incasso.cod.v1 import events_pb2, refunds_pb2
from libs import erasing, outbox, wire
from libs.outbox import NewEvent
from services.cod import order_events
from services.cod.order_events import Reason
from services.cod.rules.orders import Order
from services.cod.rules.refund_exports import RefundExport
from services.cod.rules.refunds import Refund, RefundState

_EVENTS: Final[Mapping[RefundState, Any]] = {
    RefundState.REQUESTED: events_pb2.CodRefundRequested,
    RefundState.READY: events_pb2.CodRefundReady,
    RefundState.EXPORTED: events_pb2.CodRefundExported,
    RefundState.PAID: events_pb2.CodRefundPaid,
    RefundState.FAILED: events_pb2.CodRefundFailed,
    RefundState.CANCELLED: events_pb2.CodRefundCancelled,
}
_LETTERS: Final[Mapping[RefundState, Reason]] = {
    RefundState.REQUESTED: Reason.REFUND_ACCOUNT,
    RefundState.EXPORTED: Reason.REFUND_EXPORTED,
    RefundState.PAID: Reason.REFUND_PAID,
}
# Personal data in logged events and stored answers.
PERSONAL: Final[erasing.Personal] = {
    "incasso.cod.v1.CodRefund": ("account", "failure", "metadata"),
}
ANSWERING_REFUNDS: Final = ("CreateCodRefund",)


def refund_pb(refund: Refund) -> refunds_pb2.CodRefund:
    return wire.message(refunds_pb2.CodRefund, refund)


def export_pb(export: RefundExport) -> refunds_pb2.CodRefundExport:
    return wire.message(refunds_pb2.CodRefundExport, export)


def for_state(refund: Refund, now: datetime, before: Refund | None = None) -> NewEvent:
    """The event for the refund's current state. It does not contain the account, not even
    masked.
    """
    shown = refund_pb(refund)
    shown.ClearField("account")
    event = _EVENTS[refund.state](refund=shown)
    if refund.state is RefundState.FAILED:
        event.had_been_paid = before is not None and before.state is RefundState.PAID
    return outbox.event_of(refund, event, now)


def notifications(
    refunds: Sequence[Refund], orders: Mapping[str, Order], now: datetime
) -> Sequence[NewEvent]:
    """Messages to shoppers about the refunds' current states. `orders`: by id."""
    return [
        letter
        for refund in refunds
        if refund.state in _LETTERS
        for letter in order_events.message(
            orders[refund.cod_order_id], _LETTERS[refund.state], now, refund.amount
        )
    ]


def event_left(subject: str, body: bytes) -> bytes:
    """An event's body without personal data."""
    return erasing.event_left(subject, body, PERSONAL)


def refund_left(answer: bytes) -> bytes:
    return erasing.clear(refunds_pb2.CodRefund.FromString(answer), PERSONAL)
