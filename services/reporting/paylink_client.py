"""The only file that calls paylink: it reports credits whose text names a payment link."""

from dataclasses import dataclass
from typing import Any

import grpc

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceStub
from libs import client, deadlines, wire
from libs.money import Money
from services.reporting.rules.link_transfers import LinkTransfer


@dataclass(frozen=True, slots=True)
class Recorded:
    """Paylink's answer for a transfer. `state`: paylink's name for it."""

    bank_transfer_id: str
    state: str
    payment_link_id: str | None


class Links:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = PaymentLinksServiceStub(channel)

    async def record(self, transfer: LinkTransfer) -> Recorded:
        """Idempotent. Raises RemoteRefusal, OutcomeUnknown."""
        request = pb.RecordBankTransferRequest(
            bank_reference=transfer.bank_reference,
            amount=wire.money(Money(transfer.amount_minor, transfer.currency)),
            creditor_reference=transfer.text,
            booked_on=transfer.booked_on.isoformat(),
        )
        answer = await client.call(
            self._stub.RecordBankTransfer,
            request,
            timeout_seconds=deadlines.MONEY,
            idempotency_key=transfer.id,
        )
        made = answer.bank_transfer
        state = pb.BankTransfer.State.Name(made.state).removeprefix("STATE_").lower()
        return Recorded(made.id, state, made.payment_link_id or None)
