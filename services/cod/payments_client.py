"""The only file that calls payments: refunds of online payments that an order does not need."""

from datetime import datetime

import grpc

from incasso.payments.v1 import payments_pb2
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from libs.payments import repaying
from libs.payments.repayments import RefundReport, RepaymentEvent
from services.cod.rules.online_refunds import OnlineRefund, is_ours


class Payments:
    """Calls on behalf of the current call's merchant."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = PaymentsServiceStub(channel)

    async def refund(self, refund: OnlineRefund, at: datetime) -> RefundReport:
        """Refunds, or returns the state of a refund. Raises as `move`."""
        return await repaying.refund(self._stub, refund, at)

    async def find_refund(self, refund: OnlineRefund, at: datetime) -> RefundReport | None:
        """The state of a refund, or of the one the merchant made instead. None: it has to be
        requested.
        """
        payment = await repaying.payment_of(self._stub, refund)
        return repaying.of_key(payment, refund, at) or _elsewhere(payment, refund, at)


def _elsewhere(
    payment: payments_pb2.Payment, refund: OnlineRefund, at: datetime
) -> RefundReport | None:
    """Others have refunded at least this amount, and the payment has too little left."""
    wanted = refund.amount.amount_minor
    if payment.captured_minor - payment.refunded_minor >= wanted:
        return None
    failed = payments_pb2.Refund.STATE_FAILED
    others = [
        one
        for one in payment.refunds
        if one.state != failed and not is_ours(one.caller_key, refund)
    ]
    if sum(one.amount_minor for one in others) < wanted:
        return None
    return RefundReport(RepaymentEvent.SUCCEED, at, others[-1].id)
