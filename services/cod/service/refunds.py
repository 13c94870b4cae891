"""The gRPC door of refunds of cash: what is called for each RPC."""

from typing import Final

from libs import door
from services.cod.errors import RefundNotFound
from services.cod.flows import refunding
from services.cod.store.refunds import REFUNDS

CodRefunds: Final = door.of(
    "incasso.cod.v1.CodRefundsService",
    CreateCodRefund=refunding.create_refund,
    GetCodRefund=door.Row(REFUNDS, RefundNotFound),
    ListCodRefunds=door.Rows(REFUNDS, "crf"),
    SetCodRefundAccount=refunding.set_account,
    CancelCodRefund=refunding.cancel_refund,
)
