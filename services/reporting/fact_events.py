"""Other services' events that move money, and how each is read.

The list is complete: no other event about a payment, plan, order or link moves money.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from incasso.cod.v1 import events_pb2 as cod
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payments
from incasso.payments.v1 import payments_pb2
from libs import descriptors, wire
from libs.bus import Event
from services.reporting.rules import postings
from services.reporting.rules.chart import Account, Place
from services.reporting.rules.facts import (
    BookableEvent,
    CashCollected,
    CashRefunded,
    CashRemitted,
    Disputed,
    DisputeMoved,
    DisputeState,
    Fact,
    Move,
    MoveKind,
    PlanBooks,
    PlanMoved,
    PspCharge,
    PspRefund,
    TransferMoved,
)

Read: TypeAlias = Callable[[Any, Event], BookableEvent]
_PREFIX: Final = "incasso."
_COD, _INSTALMENTS = "cod", "instalments"
_MOVES: Final = wire.members(MoveKind, paylink_pb2.BankTransferMove.Kind)
_DISPUTES: Final = wire.members(DisputeState, payments_pb2.Dispute.State)


def _captured(message: payments.PaymentCaptured, event: Event) -> BookableEvent:
    payment = message.payment
    fact = PspCharge(payment.psp_account, is_of_plan(payment), message.amount_minor)
    return _of_payment(event, payment, fact)


def _refunded(message: payments.PaymentRefunded, event: Event) -> BookableEvent:
    fact = _refund(message, undone=False)
    return _of_payment(event, message.payment, fact, message.refund.psp_reference)


def _refund_failed(message: payments.PaymentRefundFailed, event: Event) -> BookableEvent:
    """Moves nothing unless the refund had succeeded before."""
    amount_minor = message.refund.amount_minor if message.had_succeeded else 0
    fact = _refund(message, undone=True, amount_minor=amount_minor)
    return _of_payment(event, message.payment, fact, message.refund.psp_reference)


def _dispute_opened(message: payments.DisputeOpened, event: Event) -> BookableEvent:
    """Always booked as open: a separate event reports the end, even of a dispute already over."""
    payment, dispute = message.payment, message.dispute
    opened = Disputed(DisputeState.OPEN, dispute.amount_minor)
    return _of_payment(event, payment, DisputeMoved(payment.psp_account, None, opened))


def _dispute_moved(
    message: payments.DisputeUpdated | payments.DisputeClosed, event: Event
) -> BookableEvent:
    after = Disputed(_DISPUTES[message.dispute.state], message.dispute.amount_minor)
    before = Disputed(DisputeState.OPEN, after.amount_minor)
    if message.HasField("previous"):
        before = Disputed(_DISPUTES[message.previous.state], message.previous.amount_minor)
    fact = DisputeMoved(message.payment.psp_account, before, after)
    return _of_payment(event, message.payment, fact)


def _refund(message: Any, *, undone: bool, amount_minor: int | None = None) -> PspRefund:
    payment = message.payment
    amount = message.refund.amount_minor if amount_minor is None else amount_minor
    return PspRefund(payment.psp_account, is_of_plan(payment), amount, undone=undone)


def is_of_plan(payment: payments_pb2.Payment) -> bool:
    """True also for a payment by the link for a missed part."""
    return payment.method == _INSTALMENTS or payment.order_part.startswith("instalment:")


def _collected(message: cod.CodParcelCollected, event: Event) -> BookableEvent:
    amount = message.collected
    return _bookable(
        event,
        CashCollected(message.courier_id, amount.amount_minor, message.fee_minor),
        currency=amount.currency,
        order_reference=message.order_reference,
        happened_on=_day_of(event, wire.time_of(message.collected_at)),
        method=_COD,
        dues=_due(event, message, amount.amount_minor),
    )


def _remitted(
    message: cod.CodOrderRemitted | cod.CodOrderShort | cod.CodOrderPartlyRemitted, event: Event
) -> BookableEvent:
    order, brought = message.order, message.remitted
    fact = CashRemitted(
        order.courier_id,
        brought.remitted_minor,
        brought.kept_minor,
        brought.shortage_minor,
        brought.short_before_minor,
    )
    owed = Place(Account.COURIER_RECEIVABLE, order.courier_id)
    return _bookable(
        event,
        fact,
        currency=order.amount.currency,
        order_reference=order.order_reference,
        method=_COD,
        dues=_due(event, order, postings.amounts(fact)[owed]),
    )


def _due(event: Event, message: Any, amount_minor: int) -> Mapping[date, int]:
    """The due amount by day: cash that a courier must remit by the end of that day."""
    if not message.HasField("remit_due_at") or not amount_minor:
        return {}
    at = wire.time_of(message.remit_due_at) - timedelta(seconds=1)
    return {_day_of(event, at): amount_minor}


def _plan_moved(message: instalments.PlanBalanceChanged, event: Event) -> BookableEvent:
    before, after = (wire.read(PlanBooks, books) for books in (message.before, message.after))
    dues: Counter[str] = Counter()
    for due in message.dues_after:
        dues[due.due_on] += due.principal_minor
    for due in message.dues_before:
        dues[due.due_on] -= due.principal_minor
    return _bookable(
        event,
        PlanMoved(before, after),
        currency=message.currency,
        order_reference=message.order_reference,
        method=_INSTALMENTS,
        dues={date.fromisoformat(day): minor for day, minor in dues.items() if minor},
    )


def _cash_refunded(message: cod.CodRefundPaid, event: Event) -> BookableEvent:
    return _of_cash(event, message, CashRefunded(message.refund.amount.amount_minor))


def _cash_refund_failed(message: cod.CodRefundFailed, event: Event) -> BookableEvent:
    """Moves nothing unless the refund had been paid before."""
    amount_minor = message.refund.amount.amount_minor if message.had_been_paid else 0
    return _of_cash(event, message, CashRefunded(amount_minor, undone=True))


def _of_cash(event: Event, message: Any, fact: CashRefunded) -> BookableEvent:
    currency, reference = message.refund.amount.currency, message.refund.order_reference
    reaches_bank_as = message.refund.id.replace("_", "")  # EndToEndId in the bank file
    return _bookable(
        event,
        fact,
        currency=currency,
        order_reference=reference,
        operation_reference=reaches_bank_as,
        method=_COD,
    )


def _transfer_recorded(message: paylink.BankTransferRecorded, event: Event) -> BookableEvent:
    """Published a second time when a waiting transfer is assigned to its link: its money was booked
    the first time.
    """
    transfer = message.bank_transfer
    is_new = wire.time_of(transfer.created_at) == event.occurred_at
    arrived_minor = transfer.amount.amount_minor if is_new else 0
    day = date.fromisoformat(transfer.booked_on) if is_new else None
    return _of_transfer(event, transfer, arrived_minor, day)


def _transfer_moved(
    message: paylink.BankTransferSettled | paylink.BankTransferGivenBack, event: Event
) -> BookableEvent:
    return _of_transfer(event, message.bank_transfer, 0, None)


def _of_transfer(
    event: Event, transfer: paylink_pb2.BankTransfer, arrived_minor: int, day: date | None
) -> BookableEvent:
    """Books only the moves that this event reports: those made at its time."""
    moves = tuple(
        Move(_MOVES[move.kind], move.amount_minor, bool(move.plan_id))
        for move in transfer.moves
        if wire.time_of(move.made_at) == event.occurred_at
    )
    fact = TransferMoved(arrived_minor, moves)
    return _bookable(
        event,
        fact,
        currency=transfer.amount.currency,
        happened_on=day,
        operation_reference="".join(transfer.bank_reference.upper().split()),
        method="bank_transfer",
    )


def _day_of(event: Event, at: datetime) -> date:
    """The date in the merchant's zone, which the event's time carries."""
    return at.astimezone(event.occurred_at.tzinfo).date()


def _of_payment(
    event: Event, payment: payments_pb2.Payment, fact: Fact, operation_reference: str = ""
) -> BookableEvent:
    return _bookable(
        event,
        fact,
        currency=payment.amount.currency,
        payment_id=payment.id,
        order_reference=payment.order_reference,
        payment_reference=payment.psp_reference,
        operation_reference=operation_reference,
        method=_INSTALMENTS if is_of_plan(payment) else payment.method,
    )


def _bookable(
    event: Event,
    fact: Fact,
    *,
    currency: str,
    payment_id: str = "",
    order_reference: str = "",
    payment_reference: str = "",
    operation_reference: str = "",
    happened_on: date | None = None,
    method: str = "",
    dues: Mapping[date, int] | None = None,
) -> BookableEvent:
    """Dated on the event's day unless `happened_on` is given."""
    return BookableEvent(
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        kind=event.subject.removeprefix(_PREFIX),
        happened_on=happened_on or event.occurred_at.date(),
        currency=currency,
        resource_id=event.aggregate_id,
        payment_id=payment_id or None,
        order_reference=order_reference or None,
        trace_id=event.traceparent[3:35],
        fact=fact,
        method=method or None,
        dues=dues or {},
        payment_reference=payment_reference or None,
        operation_reference=operation_reference or None,
    )


_READERS: Final[Mapping[Any, Read]] = {
    payments.PaymentCaptured: _captured,
    payments.PaymentRefunded: _refunded,
    payments.PaymentRefundFailed: _refund_failed,
    payments.DisputeOpened: _dispute_opened,
    payments.DisputeUpdated: _dispute_moved,
    payments.DisputeClosed: _dispute_moved,
    cod.CodParcelCollected: _collected,
    cod.CodOrderRemitted: _remitted,
    cod.CodOrderShort: _remitted,
    cod.CodOrderPartlyRemitted: _remitted,
    cod.CodRefundPaid: _cash_refunded,
    cod.CodRefundFailed: _cash_refund_failed,
    instalments.PlanBalanceChanged: _plan_moved,
    paylink.BankTransferRecorded: _transfer_recorded,
    paylink.BankTransferSettled: _transfer_moved,
    paylink.BankTransferGivenBack: _transfer_moved,
}
_BY_SUBJECT: Final = {
    descriptors.subject_of(message()): (message, read) for message, read in _READERS.items()
}
SUBJECTS: Final = tuple(_BY_SUBJECT)


def bookable_of(event: Event, zone: ZoneInfo) -> BookableEvent:
    """`zone`: the merchant's. Raises KeyError for an event that is not booked."""
    message, read = _BY_SUBJECT[event.subject]
    local = replace(event, occurred_at=event.occurred_at.astimezone(zone))
    return read(message.FromString(event.body), local)
