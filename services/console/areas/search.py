"""The search bar: by id, order reference, e-mail address, trace, the last digits of a card, an amount;
bank lines by RF reference and amount; saved views by name.
"""

import asyncio
import re
from typing import Any, Final

from incasso.cod.v1 import orders_pb2
from incasso.instalments.v1 import plans_pb2
from incasso.merchants.v1 import views_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import imports_pb2
from libs.errors import Kind, Refusal
from services.console.page import Html, Page, See, get
from services.console.rules.asked import amount_in, last4_of
from services.console.saved_views import Link, links_of
from services.console.visit import Visit

AREA: Final = "search"
MOST: Final = 10  # of each kind
_IDS: Final = {
    "pay_": "/payments/{}",
    "lnk_": "/links/{}",
    "exc_": "/reconciliation/exceptions/{}",
    "pln_": "/instalments/{}",
    "cod_": "/cod/orders/{}",
    "rem_": "/cod/remittances/{}",
    "imp_": "/reconciliation/imports/{}",
    "rrn_": "/reports/runs/{}",
}
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{20,30}")
_TRACE = re.compile(r"[0-9a-f]{32}")
_RF = re.compile(r"RF\d{2}[0-9A-Z]{1,21}")


async def search(visit: Visit) -> Html | See:
    """The results by kind; an id or a trace leads straight to its page."""
    asked = visit.asked("q")
    if _ID.fullmatch(asked) and asked[:4] in _IDS:
        return See(_IDS[asked[:4]].format(asked))
    if _TRACE.fullmatch(asked) and visit.who.holds("reports:read"):
        return See(f"/entries?trace_id={asked}")
    found = await asyncio.gather(
        _payments(visit, asked),
        _links(visit, asked),
        _lines(visit, asked),
        _plans(visit, asked),
        _orders(visit, asked),
        _views(visit, asked),
    )
    kinds = ("payments", "links", "lines", "plans", "orders", "views")
    amount = amount_in(asked, visit.currency)
    values = {"asked": asked, "last4": last4_of(asked), "amount": amount}
    return Html("search.html", {**values, **dict(zip(kinds, found, strict=True))})


async def _payments(visit: Visit, asked: str) -> list[Any]:
    """Payments of an order, with a card or an amount, or of the customers with an e-mail address;
    newest first.
    """
    if not asked or not visit.may(payments_pb2.ListPaymentsRequest):
        return []
    filters = await _of_customers(visit, asked) if "@" in asked else _of_words(visit, asked)
    of_each = await asyncio.gather(
        *(
            _found(visit, payments_pb2.ListPaymentsRequest(limit=MOST, **wanted))
            for wanted in filters
        )
    )
    found = {payment.id: payment for payments in of_each for payment in payments}
    return sorted(found.values(), key=lambda payment: payment.id, reverse=True)


async def _of_customers(visit: Visit, email: str) -> list[dict[str, Any]]:
    if not visit.may(oneclick_pb2.ListCustomersRequest):
        return []
    customers = await _found(visit, oneclick_pb2.ListCustomersRequest(email=email, limit=MOST))
    return [{"customer_id": one.id} for one in customers]


def _of_words(visit: Visit, asked: str) -> list[dict[str, Any]]:
    """A filter for each thing that the words could be."""
    filters: list[dict[str, Any]] = [{"order_reference": asked}]
    if last4 := last4_of(asked):
        filters.append({"last4": last4})
    if amount := amount_in(asked, visit.currency):
        filters.append({"amount_minor": amount.amount_minor, "currency": amount.currency})
    return filters


async def _links(visit: Visit, asked: str) -> list[Any]:
    if not asked or "@" in asked or not visit.may(paylink_pb2.ListPaymentLinksRequest):
        return []
    request = paylink_pb2.ListPaymentLinksRequest(order_reference=asked, limit=MOST)
    return await _found(visit, request)


async def _plans(visit: Visit, asked: str) -> list[Any]:
    if not asked or "@" in asked or not visit.may(plans_pb2.ListInstalmentPlansRequest):
        return []
    request = plans_pb2.ListInstalmentPlansRequest(order_reference=asked, limit=MOST)
    return await _found(visit, request)


async def _orders(visit: Visit, asked: str) -> list[Any]:
    if not asked or "@" in asked or not visit.may(orders_pb2.ListCodOrdersRequest):
        return []
    request = orders_pb2.ListCodOrdersRequest(order_reference=asked, limit=MOST)
    return await _found(visit, request)


async def _lines(visit: Visit, asked: str) -> list[Any]:
    """Lines of bank statements, by the payer's RF reference or by amount."""
    if not asked or not visit.may(imports_pb2.ListBankLinesRequest):
        return []
    reference, amount = asked.replace(" ", "").upper(), amount_in(asked, visit.currency)
    if _RF.fullmatch(reference):
        request = imports_pb2.ListBankLinesRequest(creditor_reference=reference, limit=MOST)
    elif amount is not None:
        request = imports_pb2.ListBankLinesRequest(
            amount_minor=amount.amount_minor, currency=amount.currency, limit=MOST
        )
    else:
        return []
    return await _found(visit, request)


async def _views(visit: Visit, asked: str) -> list[Link]:
    """Saved views with the words in their name."""
    if not asked or not visit.may(views_pb2.ListViewsRequest):
        return []
    named = (one for one in await links_of(visit) if asked.lower() in one.view.name.lower())
    return [one for one in named if one.address][:MOST]


async def _found(visit: Visit, request: Any) -> list[Any]:
    """The results; none if the service refuses the text as invalid."""
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
            "instalments.ListInstalmentPlans",
            "cod.ListCodOrders",
            "merchants.ListViews",
        ),
    ),
)
