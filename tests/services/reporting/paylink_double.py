"""A double of paylink: one transfer per booking, however often and by whomever it is reported."""

from typing import Any

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceServicer
from libs import context, ids
from libs.errors import Kind, RemoteRefusal, ServiceUnavailable


class PayLinks(PaymentLinksServiceServicer):
    """`transfers` by the bank's reference. `silent`: how many calls are executed but not answered."""

    def __init__(self) -> None:
        self.transfers: dict[str, Any] = {}
        self.keys: list[str] = []
        self.down = False
        self.silent = 0

    async def RecordBankTransfer(self, request: Any, _: Any) -> Any:
        if self.down:
            raise ServiceUnavailable
        self.keys.append(context.current().idempotency_key)
        booking = "".join(request.bank_reference.upper().split())
        known = self.transfers.setdefault(booking, pb.BankTransfer(id=ids.new("trf")))
        if known.bank_reference and known.amount != request.amount:
            raise RemoteRefusal(Kind.CONFLICT, "bank_transfer_differs", "It is another booking.")
        known.bank_reference, known.booked_on = request.bank_reference, request.booked_on
        known.amount.CopyFrom(request.amount)
        known.creditor_reference = request.creditor_reference
        known.state, known.payment_link_id = pb.BankTransfer.STATE_MATCHED, "lnk_1"
        if self.silent:
            self.silent -= 1
            raise ServiceUnavailable
        return pb.RecordBankTransferResponse(bank_transfer=known)
