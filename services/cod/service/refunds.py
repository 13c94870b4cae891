"""The gRPC servicer for cash refunds: one line per RPC."""

from typing import Final

from libs import servicer
from services.cod.errors import RefundExportNotFound, RefundNotFound
from services.cod.flows import refund_exports, refunding
from services.cod.store.refund_exports import EXPORTS
from services.cod.store.refunds import REFUNDS

CodRefunds: Final = servicer.of(
    "incasso.cod.v1.CodRefundsService",
    CreateCodRefund=refunding.create_refund,
    GetCodRefund=servicer.Row(REFUNDS, RefundNotFound),
    ListCodRefunds=servicer.Rows(REFUNDS, "crf"),
    SetCodRefundAccount=refunding.set_account,
    RetryCodRefund=refunding.retry_refund,
    CancelCodRefund=refunding.cancel_refund,
    CreateCodRefundExport=refund_exports.create_export,
    GetCodRefundExport=servicer.Row(EXPORTS, RefundExportNotFound),
    ListCodRefundExports=servicer.Rows(EXPORTS, "cre"),
    GetCodRefundFile=refund_exports.get_file,
    MarkCodRefundsPaid=refund_exports.mark_paid,
    MarkCodRefundsFailed=refund_exports.mark_failed,
)
