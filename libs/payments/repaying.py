"""Calls to payments that refund money, or learn the outcome of a refund."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol, TypeVar

from incasso.payments.v1 import payments_pb2
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from libs import client, deadlines, wire
from libs.errors import (
    IdempotencyKeyInUse,
    OutcomeUnknown,
    RemoteRefusal,
    ServiceUnavailable,
    stored,
)
from libs.logs import log
from libs.payments.certain import move
from libs.payments.repayments import R, RefundReport, Repayment, RepaymentEvent, ReportedRefund

R_contra = TypeVar("R_contra", bound=Repayment, contravariant=True)


class RefundCalls(Protocol[R_contra]):
    """A service's own client: it calls `refund` and `of_key` with what only that service knows."""

    async def refund(self, refund: R_contra, at: datetime, /) -> RefundReport:
        """Raises as `move`."""

    async def find_refund(self, refund: R_contra, at: datetime, /) -> RefundReport | None:
        """None: payments has not begun it yet."""


_EVENTS: Final[Mapping[int, RepaymentEvent]] = {
    payments_pb2.Refund.STATE_PROCESSING: RepaymentEvent.WAIT,
    payments_pb2.Refund.STATE_SUCCEEDED: RepaymentEvent.SUCCEED,
    payments_pb2.Refund.STATE_FAILED: RepaymentEvent.FAIL,
}


def found_of(refund: payments_pb2.Refund, at: datetime) -> ReportedRefund:
    """Raises OutcomeUnknown for a state that this version does not know."""
    event = _EVENTS.get(refund.state)
    if event is None:
        raise OutcomeUnknown
    return wire.read(
        ReportedRefund, refund, key=refund.caller_key, report=RefundReport(event, at, refund.id)
    )


async def refund(stub: PaymentsServiceStub, repayment: Repayment, at: datetime) -> RefundReport:
    """Refunds, or learns the outcome. Raises as `move`."""
    request = payments_pb2.RefundPaymentRequest(
        payment_id=repayment.payment_id or "", amount=wire.money(repayment.amount)
    )
    answer = await move(stub.RefundPayment, request, key=repayment.id)
    report = of_key(answer.payment, repayment, at)
    if report is None:
        raise OutcomeUnknown
    return report


async def request(payments: RefundCalls[R], repayment: R, at: datetime) -> RefundReport | None:
    """Requests a committed refund. A refusal means that it has failed. None: no answer yet."""
    try:
        return await payments.refund(repayment, at)
    except (IdempotencyKeyInUse, ServiceUnavailable) as refusal:
        log.info("a refund has no answer yet", reason=refusal.reason)
        return None
    except RemoteRefusal as refusal:
        return RefundReport(RepaymentEvent.FAIL, at, refusal=stored(refusal))


async def settle(payments: RefundCalls[R], repayment: R, at: datetime) -> RefundReport | None:
    """Settles an unfinished refund: requests it, unless payments has it. None: no answer yet."""
    try:
        report = await payments.find_refund(repayment, at)
    except (IdempotencyKeyInUse, RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("a refund is not settled yet", reason=refusal.reason)
        return None
    return await request(payments, repayment, at) if report is None else report


async def payment_of(stub: PaymentsServiceStub, repayment: Repayment) -> payments_pb2.Payment:
    """The payment's current state, with its refunds."""
    request = payments_pb2.GetPaymentRequest(payment_id=repayment.payment_id or "")
    answer = await client.call(stub.GetPayment, request, timeout_seconds=deadlines.READ)
    found: payments_pb2.Payment = answer.payment
    return found


def of_key(
    payment: payments_pb2.Payment, repayment: Repayment, at: datetime
) -> RefundReport | None:
    """The refund under the repayment's key. None: payments has not begun it yet."""
    mine = (each for each in payment.refunds if each.caller_key == repayment.id)
    found = next(mine, None)
    return None if found is None else found_of(found, at).report
