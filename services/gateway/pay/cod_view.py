"""What an order's page shows at a given moment: its view, lines and sums. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from incasso.cod.v1 import orders_pb2, pages_pb2, refunds_pb2
from incasso.common.v1 import offer_pb2
from libs import display
from libs.text import isolated
from services.gateway.pay.texts import WORDS
from services.gateway.pay.view import Row, money, rows_of

ORDER = orders_pb2.CodOrder
_VIEWS: Final = {
    ORDER.STATE_PROPOSED: "confirm",
    ORDER.STATE_CONFIRMED: "confirmed",
    ORDER.STATE_DISPATCHED: "dispatched",
    ORDER.STATE_OUT_FOR_DELIVERY: "out",
    ORDER.STATE_REFUSED: "refused",
    ORDER.STATE_COLLECTED: "collected",
    ORDER.STATE_REMITTED: "collected",  # what the courier owes the shop is not shown to shoppers
    ORDER.STATE_SHORT: "collected",
    ORDER.STATE_OVERDUE: "collected",
    ORDER.STATE_CONVERTED: "converted",
    ORDER.STATE_RETURNED: "returned",
    ORDER.STATE_CANCELLED: "cancelled",
}
REFUND = refunds_pb2.CodRefund
_REFUNDS: Final = {
    REFUND.STATE_REQUESTED: "requested",
    REFUND.STATE_READY: "ready",
    REFUND.STATE_EXPORTED: "exported",
    REFUND.STATE_PAID: "paid",
    REFUND.STATE_FAILED: "failed",
}
DEPOSIT = orders_pb2.CodOrderDeposit
TO_COME: Final = (
    "confirm",
    "deposit",
    "confirmed",
    "dispatched",
    "out",
    "missed",
    "refused",
    "unknown",
)
_WAYS: Final = {
    offer_pb2.COLLECTION_MODE_CASH: "cod_way_cash",
    offer_pb2.COLLECTION_MODE_BANK_CHEQUE: "cod_way_bank_cheque",
    offer_pb2.COLLECTION_MODE_CASHIERS_CHEQUE: "cod_way_cashiers_cheque",
    offer_pb2.COLLECTION_MODE_POSTAL_CHEQUE: "cod_way_postal_cheque",
    offer_pb2.COLLECTION_MODE_CARD: "cod_way_card",
}


def name_of(page: pages_pb2.CodPage) -> str:
    """The view; `deposit` if one has to be paid first, `missed` if a delivery attempt failed, `twice` if the courier
    collected an order that was already paid online, `unknown` for a state newer than this version.
    """
    if page.paid_online_minor and page.collected_minor:
        return "twice"
    if page.state == ORDER.STATE_DISPATCHED and page.attempts:
        return "missed"
    if page.state == ORDER.STATE_CONFIRMED and deposit_is_due(page):
        return "deposit"
    return _VIEWS.get(page.state, "unknown")


def deposit_is_due(page: pages_pb2.CodPage) -> bool:
    return page.deposit.state == DEPOSIT.STATE_DUE


def door_minor(page: pages_pb2.CodPage) -> int:
    """The amount that paying online replaces: the total while a deposit is due, else the rest."""
    return page.total_minor if deposit_is_due(page) else page.to_collect_minor


def text(page: pages_pb2.CodPage, language: str) -> str:
    """What happens to the order next, below the title."""
    name, words = name_of(page), WORDS[language]
    word = f"cod_{name}_text"
    if name == "confirmed" and page.deposit.state == DEPOSIT.STATE_PAID:
        word = "cod_confirmed_deposit_text"
    if name == "confirm" and deposit_is_due(page):
        word = "cod_confirm_deposit_text"
    return words[word].format(
        merchant=isolated(page.merchant.name),
        courier=isolated(page.courier),
        due=due(page, language),
        deposit=money(page.deposit_minor, page.amount.currency, language),
    )


def about_deposit(page: pages_pb2.CodPage, language: str) -> str:
    """What happens to a paid deposit, unless all of it goes towards the order."""
    deposit, surplus = page.deposit, page.deposit.paid_minor - page.deposit_minor
    word, minor = "", deposit.paid_minor
    if deposit.state == DEPOSIT.STATE_REFUNDING:
        word = "cod_deposit_refunding"
    elif deposit.state == DEPOSIT.STATE_REFUNDED:
        word = "cod_deposit_refunded"
    elif deposit.state == DEPOSIT.STATE_PAID and name_of(page) == "refused":
        word = "cod_deposit_waits"
    elif deposit.state == DEPOSIT.STATE_PAID and surplus > 0:
        word, minor = "cod_deposit_surplus", surplus
    if not word:
        return ""
    return WORDS[language][word].format(amount=money(minor, page.amount.currency, language))


def due(page: pages_pb2.CodPage, language: str) -> str:
    """The amount to pay on delivery."""
    return money(page.to_collect_minor, page.amount.currency, language)


def lines(page: pages_pb2.CodPage, language: str) -> Sequence[Row]:
    """The items ordered; a single line if the shop did not list them."""
    if not page.lines:
        price = money(page.amount.amount_minor, page.amount.currency, language)
        return [Row(WORDS[language]["cod_goods"], "", price)]
    return rows_of(page.lines, page.amount.currency, language)


def totals(page: pages_pb2.CodPage, language: str) -> Sequence[Row]:
    """Fee and deposit itemised, if there are any; the last row is the amount to have ready, or
    paid. Nothing is due for an order that has ended.
    """
    name = name_of(page)
    fee = [("cod_fee", page.fee_minor)] if page.fee_minor else []
    deposit = _deposit_row(page)
    total = [("total", page.total_minor)]
    if name == "converted":
        last = [*deposit, ("cod_paid_online", page.paid_online_minor)]
    elif name in ("collected", "twice"):
        last = [*deposit, ("cod_paid", page.collected_minor)]
    else:
        last = [*deposit, ("cod_due", page.to_collect_minor)] if name in TO_COME else []
    rows = [*fee, *(total if fee or deposit or not last else []), *last]
    words = WORDS[language]
    return [
        Row(words[word], "", money(minor, page.amount.currency, language)) for word, minor in rows
    ]


def _deposit_row(page: pages_pb2.CodPage) -> list[tuple[str, int]]:
    if not page.deposit_minor or page.deposit.state == DEPOSIT.STATE_CANCELLED:
        return []
    word = "cod_deposit_paid" if page.deposit.state == DEPOSIT.STATE_PAID else "cod_deposit"
    return [(word, -page.deposit_minor)]


def way(page: pages_pb2.CodPage, language: str) -> str:
    """The means of payment on delivery, as a sentence."""
    word = _WAYS.get(page.mode)
    if word is None or name_of(page) not in TO_COME:
        return ""
    return WORDS[language][word].format(merchant=isolated(page.merchant.name))


@dataclass(frozen=True, slots=True)
class ShownRefund:
    """`waits`: whether it waits for the customer's account, which the form below asks for."""

    text: str
    waits: bool


def refunds(page: pages_pb2.CodPage, language: str) -> Sequence[ShownRefund]:
    """Cash refunds, and where they go."""
    return [_refund(page, refund, WORDS[language], language) for refund in page.refunds]


def _refund(
    page: pages_pb2.CodPage,
    refund: pages_pb2.CodPageRefund,
    words: Mapping[str, str],
    language: str,
) -> ShownRefund:
    word = _REFUNDS.get(refund.state, "exported")
    account = f"{refund.account.iban} ({refund.account.holder})"
    text = words[f"cod_refund_{word}"].format(
        amount=money(refund.amount.amount_minor, refund.amount.currency, language),
        account=isolated(account) if refund.HasField("account") else words["cod_refund_yours"],
        merchant=isolated(page.merchant.name),
    )
    return ShownRefund(text, refund.state == REFUND.STATE_REQUESTED)


def facts(page: pages_pb2.CodPage, language: str) -> Mapping[str, str]:
    """The known facts by label."""
    day = page.collected_at if page.HasField("collected_at") else None
    known = {
        "reference": page.order_reference,
        "cod_town": page.town,
        "cod_courier": page.courier,
        "cod_tracking": ", ".join(page.tracking_numbers),
        "cod_paid_on": display.moment(day.ToDatetime(tzinfo=UTC), language) if day else "",
    }
    return {WORDS[language][word]: value for word, value in known.items() if value}
