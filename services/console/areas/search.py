"""The search bar: by id, order reference, e-mail address, or the RF reference of a bank transfer."""

import asyncio
import re
from typing import Any, Final

from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import imports_pb2
from libs.errors import Kind, Refusal
from services.console.page import Html, Page, See, get
from services.console.visit import Visit

AREA: Final = "search"
MOST: Final = 10  # of each kind
_IDS: Final = {
    "pay_": "/payments/{}",
    "lnk_": "/links/{}",
    "exc_": "/reconciliation/exceptions/{}",
}
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{20,30}")
_RF = re.compile(r"RF\d{2}[0-9A-Z]{1,21}")


async def search(visit: Visit) -> Html | See:
    """What was found, by kind; straight on to what an id names."""
    asked = visit.asked("q")
    if _ID.fullmatch(asked) and asked[:4] in _IDS:
        return See(_IDS[asked[:4]].format(asked))
    payments, links, lines = await asyncio.gather(
        _payments(visit, asked), _links(visit, asked), _lines(visit, asked)
    )
    return Html(
        "search.html", {"asked": asked, "payments": payments, "links": links, "lines": lines}
    )


async def _payments(visit: Visit, asked: str) -> list[Any]:
    """Of an order, or of the customers with an e-mail address."""
    if not asked or not visit.may(payments_pb2.ListPaymentsRequest):
        return []
    if "@" not in asked:
        request = payments_pb2.ListPaymentsRequest(order_reference=asked, limit=MOST)
        return await _found(visit, request)
    if not visit.may(oneclick_pb2.ListCustomersRequest):
        return []
    customers = await _found(visit, oneclick_pb2.ListCustomersRequest(email=asked, limit=MOST))
    of_each = await asyncio.gather(
        *(
            _found(visit, payments_pb2.ListPaymentsRequest(customer_id=one.id, limit=MOST))
            for one in customers
        )
    )
    return [payment for payments in of_each for payment in payments]


async def _links(visit: Visit, asked: str) -> list[Any]:
    if not asked or "@" in asked or not visit.may(paylink_pb2.ListPaymentLinksRequest):
        return []
    request = paylink_pb2.ListPaymentLinksRequest(order_reference=asked, limit=MOST)
    return await _found(visit, request)


async def _lines(visit: Visit, asked: str) -> list[Any]:
    """Of bank statements, by the reference that a payer wrote."""
    reference = asked.replace(" ", "").upper()
    if not _RF.fullmatch(reference) or not visit.may(imports_pb2.ListBankLinesRequest):
        return []
    request = imports_pb2.ListBankLinesRequest(creditor_reference=reference, limit=MOST)
    return await _found(visit, request)


async def _found(visit: Visit, request: Any) -> list[Any]:
    """Nothing for what cannot be such a reference."""
    try:
        return list((await visit.ask(request)).data)
    except Refusal as refusal:
        if refusal.kind is Kind.INVALID:
            return []
        raise


PAGES: Final[tuple[Page, ...]] = (
    get(
        "/search",
        search,
        AREA,
        parts=(
            "payments.ListPayments",
            "oneclick.ListCustomers",
            "paylink.ListPaymentLinks",
            "reporting.ListBankLines",
        ),
    ),
)
