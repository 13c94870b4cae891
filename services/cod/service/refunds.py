"""The gRPC servicer for cash refunds: one line per RPC."""

from typing import Final

from libs import door
from services.cod.errors import RefundExportNotFound, RefundNotFound
from services.cod.flows import refund_exports, refunding
from services.cod.store.refund_exports import EXPORTS
from services.cod.store.refunds import REFUNDS

CodRefunds: Final = door.of(
    "incasso.cod.v1.CodRefundsService",
    CreateCodRefund=refunding.create_refund,
    GetCodRefund=door.Row(REFUNDS, RefundNotFound),
    ListCodRefunds=door.Rows(REFUNDS, "crf"),
    SetCodRefundAccount=refunding.set_account,
    RetryCodRefund=refunding.retry_refund,
    CancelCodRefund=refunding.cancel_refund,
    CreateCodRefundExport=refund_exports.create_export,
    GetCodRefundExport=door.Row(EXPORTS, RefundExportNotFound),
    ListCodRefundExports=door.Rows(EXPORTS, "cre"),
    GetCodRefundFile=refund_exports.get_file,
    MarkCodRefundsPaid=refund_exports.mark_paid,
    MarkCodRefundsFailed=refund_exports.mark_failed,
)
