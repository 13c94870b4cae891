"""Cash refunds by bank transfer: the customer's account, and the payment files for the bank."""

from collections.abc import AsyncIterator
from typing import Final

from incasso.cod.v1 import refunds_pb2
from libs.clock import world_now
from libs.downloads import Download
from libs.errors import invalid
from services.console.areas.cod import AREA, changed, of_order, order_of
from services.console.errors import ReauthenticationNeeded
from services.console.listing import filters, rows
from services.console.page import Html, Page, See, Sent, get, post
from services.console.rules.amounts import amount_of
from services.console.rules.proving import needs_proof, proof_is_fresh
from services.console.visit import Visit

STATES: Final = ("requested", "ready", "exported", "paid", "failed")
MOST_FILES: Final = 10


async def listed(visit: Visit) -> Html:
    """Refunds by state, and the latest files for the bank."""
    found = await rows(visit, refunds_pb2.ListCodRefundsRequest(), "refunds", "state")
    files = (await visit.ask(refunds_pb2.ListCodRefundExportsRequest(limit=MOST_FILES))).data
    return Html(
        "cash_refunds.html",
        {
            **found,
            "filters": filters(visit, "/cod/refunds", "state", STATES),
            "files": files,
            "writes": visit.who.holds("cod:write"),
        },
    )


async def create(visit: Visit) -> See:
    """Refunds an order's cash. Above a limit, the person has to prove their identity first."""
    order = await order_of(visit)
    amount = amount_of(visit.typed("amount"), order.amount.currency)
    if amount is None:
        raise invalid("amount", visit.word("amount_unreadable"))
    if needs_proof(amount) and not proof_is_fresh(visit.who.proved_at, world_now()):
        raise ReauthenticationNeeded
    request = refunds_pb2.CreateCodRefundRequest(
        cod_order_id=order.id, amount_minor=amount.amount_minor
    )
    return await changed(visit, request, "refund_requested")


async def set_account(visit: Visit) -> See:
    """Stores the account that the customer gave."""
    account = refunds_pb2.RefundAccount(
        holder=visit.typed("holder"), iban=visit.typed("iban").replace(" ", "").upper()
    )
    request = refunds_pb2.SetCodRefundAccountRequest(
        cod_refund_id=visit.part("refund_id"), account=account
    )
    return await changed(visit, request, "account_set")


async def retry(visit: Visit) -> See:
    request = refunds_pb2.RetryCodRefundRequest(cod_refund_id=visit.part("refund_id"))
    return await changed(visit, request, "refund_retried")


async def cancel(visit: Visit) -> See:
    request = refunds_pb2.CancelCodRefundRequest(cod_refund_id=visit.part("refund_id"))
    return await changed(visit, request, "refund_cancelled")


async def export(visit: Visit) -> See:
    """Exports all refunds that are ready, in one file for the bank."""
    await visit.change(refunds_pb2.CreateCodRefundExportRequest())
    return See("/cod/refunds", notice="exported")


async def mark_paid(visit: Visit) -> See:
    """Marks a file's exported refunds as paid, as the bank reports."""
    export_id = visit.part("export_id")
    request = refunds_pb2.MarkCodRefundsPaidRequest(cod_refund_export_id=export_id)
    await visit.change(request, subject=export_id)
    return See("/cod/refunds", notice="marked_paid")


async def file(visit: Visit) -> Sent:
    """A file for the bank, with the accounts in clear."""
    request = refunds_pb2.GetCodRefundFileRequest(cod_refund_export_id=visit.part("export_id"))
    answer = await visit.ask(request)
    content = answer.xml.encode()
    return Sent(Download(answer.name, "application/xml", _piece(content), len(content)))


async def _piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


READS: Final = ("cod.ListCodRefunds", "cod.ListCodRefundExports")
FILES: Final = "/cod/refunds/files"
PAGES: Final[tuple[Page, ...]] = (
    get("/cod/refunds", listed, AREA, *READS, filters=("state",)),
    post(FILES, export, AREA, *READS, "cod.CreateCodRefundExport", again=listed),
    post(
        f"{FILES}/{{export_id}}/paid",
        mark_paid,
        AREA,
        *READS,
        "cod.MarkCodRefundsPaid",
        again=listed,
    ),
    get(
        f"{FILES}/{{export_id}}",
        file,
        AREA,
        "cod.GetCodRefundFile",
        is_file=True,
        recorded="cod.GetCodRefundFile",
    ),
    of_order("refunds", create, "CreateCodRefund"),
    of_order("refunds/{refund_id}/account", set_account, "SetCodRefundAccount"),
    of_order("refunds/{refund_id}/retry", retry, "RetryCodRefund"),
    of_order("refunds/{refund_id}/cancel", cancel, "CancelCodRefund"),
)
