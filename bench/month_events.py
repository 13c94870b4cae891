"""A shop's month as Incasso's events: those of payments, paylink and cod."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bench.month_shop import Collected, Month, Moved, Transfer
from incasso.cod.v1 import events_pb2 as cod
from incasso.common.v1.money_pb2 import Money
from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payments
from incasso.payments.v1 import payments_pb2
from libs import descriptors, ids, wire
from libs.bus import Event

FEE_AT_THE_DOOR: Final = 300


def events(month: Month, merchant_id: str) -> Sequence[Event]:
    """The events in chronological order."""
    unordered = [
        *(_event(merchant_id, _of_psp(each), each.payment.id, each.at) for each in month.moved),
        *(event for each in month.transfers for event in _of_transfer(merchant_id, each)),
        *(event for each in month.collected for event in _of_cash(merchant_id, each)),
    ]
    return sorted(unordered, key=lambda event: event.occurred_at)


def _event(merchant_id: str, message: Any, about: str, at: datetime) -> Event:
    return Event(
        event_id=ids.new("evt"),
        merchant_id=merchant_id,
        aggregate_id=about,
        subject=descriptors.subject_of(message),
        body=message.SerializeToString(),
        traceparent=f"00-{ids.new('x')[-8:]:0>32}-00f067aa0ba902b7-00",
        occurred_at=at,
    )


def _of_psp(moved: Moved) -> Any:
    of = moved.payment
    payment = payments_pb2.Payment(
        id=of.id,
        amount=Money(amount_minor=of.minor, currency=of.currency),
        order_reference=of.order,
        method="one_click",
        psp_account=of.account,
        psp_reference=of.psp_reference,
    )
    amount = abs(moved.minor)
    match moved.what:
        case "charge":
            return payments.PaymentCaptured(payment=payment, amount_minor=amount)
        case "refund":
            refund = payments_pb2.Refund(amount_minor=amount, psp_reference=moved.reference)
            return payments.PaymentRefunded(payment=payment, refund=refund)
        case "refund_failure":
            refund = payments_pb2.Refund(amount_minor=amount)
            return payments.PaymentRefundFailed(payment=payment, refund=refund, had_succeeded=True)
        case "dispute":
            opened = _dispute(payments_pb2.Dispute.STATE_OPEN, moved)
            return payments.DisputeOpened(payment=payment, dispute=opened)
    before, won = payments_pb2.Dispute.STATE_OPEN, payments_pb2.Dispute.STATE_WON
    return payments.DisputeClosed(
        payment=payment, dispute=_dispute(won, moved), previous=_dispute(before, moved)
    )


def _dispute(state: Any, moved: Moved) -> payments_pb2.Dispute:
    return payments_pb2.Dispute(
        id=f"dis_{moved.payment.number}",
        payment_id=moved.payment.id,
        state=state,
        amount_minor=abs(moved.minor),
        currency=moved.payment.currency,
    )


def _of_transfer(merchant_id: str, transfer: Transfer) -> Iterator[Event]:
    move = paylink_pb2.BankTransferMove(
        kind=paylink_pb2.BankTransferMove.KIND_MATCHED,
        amount_minor=transfer.minor,
        made_at=wire.timestamp(transfer.at),
    )
    transferred = paylink_pb2.BankTransfer(
        id=f"trf_{transfer.reference}",
        amount=Money(amount_minor=transfer.minor, currency="EUR"),
        bank_reference=transfer.reference,
        booked_on=transfer.at.date().isoformat(),
        created_at=wire.timestamp(transfer.at),
        moves=[move],
    )
    message = paylink.BankTransferRecorded(bank_transfer=transferred)
    yield _event(merchant_id, message, transferred.id, transfer.at)


def _of_cash(merchant_id: str, cash: Collected) -> Iterator[Event]:
    collected = cod.CodParcelCollected(
        order_reference=cash.order,
        courier_id=cash.courier,
        collected=Money(amount_minor=cash.minor, currency="EUR"),
        fee_minor=FEE_AT_THE_DOOR,
        collected_at=wire.timestamp(cash.at),
    )
    yield _event(merchant_id, collected, f"cod_{cash.order}", cash.at)
    remitted = cod.CodOrderRemitted()
    remitted.order.id = f"cod_{cash.order}"
    remitted.order.order_reference, remitted.order.courier_id = cash.order, cash.courier
    remitted.order.amount.CopyFrom(Money(amount_minor=cash.minor, currency="EUR"))
    brought = remitted.remitted
    brought.remittance_id = cash.remittance
    brought.remitted_minor, brought.kept_minor = cash.minor - cash.cut, cash.cut
    at = datetime.combine(cash.remitted_on, cash.at.timetz())
    yield _event(merchant_id, remitted, f"cod_{cash.order}", at)
