"""A shop's events for bench.ledger: of ten, seven are card captures, the others a refund, cash and an instalment plan."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from incasso.cod.v1 import events_pb2 as cod
from incasso.common.v1.money_pb2 import Money
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.instalments.v1 import plans_pb2
from incasso.payments.v1 import events_pb2 as payments
from incasso.payments.v1 import payments_pb2
from libs import descriptors, ids
from libs.bus import Event

MERCHANTS: Final = 20
BEGUN: Final = datetime(2026, 11, 1, tzinfo=UTC)


def events(count: int) -> Sequence[Event]:
    return [_event(number) for number in range(count)]


def _event(number: int) -> Event:
    message = _message(number)
    return Event(
        event_id=ids.new("evt"),
        merchant_id=f"mer_{number % MERCHANTS}",
        aggregate_id=ids.new("pay"),
        subject=descriptors.subject_of(message),
        body=message.SerializeToString(),
        traceparent=f"00-{number + 1:032x}-00f067aa0ba902b7-00",
        occurred_at=BEGUN + timedelta(seconds=number),
    )


def _message(number: int) -> Any:
    amount = Money(amount_minor=5990 + number % 1000, currency="EUR")
    payment = payments_pb2.Payment(
        id=ids.new("pay"),
        amount=amount,
        order_reference=f"A-{number}",
        method="one_click",
        psp_account="sandbox-a",
    )
    match number % 10:
        case 0:
            refund = payments_pb2.Refund(id=ids.new("ref"), amount_minor=990)
            return payments.PaymentRefunded(payment=payment, refund=refund)
        case 1:
            return cod.CodParcelCollected(
                courier_id="cou_1", order_reference=f"A-{number}", collected=amount, fee_minor=250
            )
        case 2:
            books = plans_pb2.PlanBooks(sold_minor=300, owed_minor=200, paid_minor=100)
            return instalments.PlanBalanceChanged(
                plan_id=ids.new("pln"), order_reference=f"A-{number}", currency="EUR", after=books
            )
        case _:
            return payments.PaymentCaptured(payment=payment, amount_minor=amount.amount_minor)
