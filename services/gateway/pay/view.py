"""What a pay page shows at a given moment: its view, lines and card. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import segno

from incasso.cod.v1 import orders_pb2
from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import display
from libs.money import Money
from libs.text import isolated
from services.gateway.pay.texts import WORDS

LINK = paylink_pb2.PaymentLink
TRY = paylink_pb2.LinkPayment
PAYMENT = payments_pb2.Payment
TRANSFER = paylink_pb2.METHOD_BANK_TRANSFER
INSTALMENTS = paylink_pb2.METHOD_INSTALMENTS
# Views in which the shopper decides, and views in which the page waits for others.
DECIDING: Final = ("quote", "open")
WAITING: Final = ("confirm", "processing", "pending", "transfer", "instalments")
_PARTNERS: Final = {"paypal": "PayPal"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the price as shown; `note` has quantity and unit price."""

    name: str
    note: str
    amount: str


def own_payment(page: pages_pb2.PayPage, use: str) -> pages_pb2.PagePayment | None:
    """The shopper's own attempt. On a link that several people pay, it is only shown with its
    `use`.
    """
    if not page.HasField("payment") or (page.payment_link.reusable and not use):
        return None
    return page.payment


def paid_id(page: pages_pb2.PayPage, use: str) -> str:
    """Id of what the shopper has paid: the payment, the plan or the transfer; "" before that."""
    own = own_payment(page, use)
    if own is None or own.link_payment.state != TRY.STATE_SUCCEEDED:
        return ""
    tried = own.link_payment
    return tried.payment_id or tried.plan_id or tried.id


def name_of(page: pages_pb2.PayPage, use: str) -> str:
    """The view: quote, open, confirm, processing, pending, transfer, instalments, paid, in_parts, used_up, …"""
    link, own = page.payment_link, own_payment(page, use)
    if own is not None and own.link_payment.state == TRY.STATE_SUCCEEDED:
        return "in_parts" if own.link_payment.method == INSTALMENTS else "paid"
    if own is not None and own.link_payment.state == TRY.STATE_PROCESSING:
        return _under_way(own)
    if link.state == LINK.STATE_PAID:
        return "used_up" if link.reusable else "paid"
    if link.state == LINK.STATE_EXPIRED:
        return "expired"
    if link.state == LINK.STATE_CANCELLED:
        return "settled" if link.paid_otherwise else "cancelled"
    if link.state == LINK.STATE_PAYING and not link.reusable:
        return "processing"
    return "quote" if _waits_for_quote(link) else "open"


def _under_way(own: pages_pb2.PagePayment) -> str:
    if own.link_payment.method == TRANSFER:
        return "transfer"
    if own.link_payment.method == INSTALMENTS:
        return "instalments" if own.plan_url else "processing"
    if own.payment_state == PAYMENT.STATE_REQUIRES_ACTION and web_address(own.next_action.url):
        return "confirm"
    return "pending" if own.payment_state == PAYMENT.STATE_PENDING else "processing"


def _waits_for_quote(link: paylink_pb2.PaymentLink) -> bool:
    if not link.HasField("quote"):
        return False
    accepted = link.quote.HasField("acceptance")
    return not accepted or link.quote.acceptance.text_sha256 != link.quote.text_sha256


def money(amount_minor: int, currency: str, language: str) -> str:
    return display.amount(Money(amount_minor, currency), language)


def rate(percent: str, language: str) -> str:
    return display.percent(Decimal(percent), language)


def asked_minor(link: paylink_pb2.PaymentLink) -> int:
    """The price of one use: the deposit, or the full price. `amount_due` is its unpaid part."""
    return (link.deposit if link.HasField("deposit") else link.amount).amount_minor


def lines(page: pages_pb2.PayPage, language: str) -> list[Row]:
    """The items of the price; the description if there are none."""
    link = page.payment_link
    currency = link.amount.currency
    if not link.line_items:
        return [Row(link.description, "", money(link.amount.amount_minor, currency, language))]
    return rows_of(link.line_items, currency, language)


def rows_of(
    items: Iterable[paylink_pb2.LineItem | orders_pb2.CodLine], currency: str, language: str
) -> list[Row]:
    found = []
    for item in items:
        price = money(item.unit_amount_minor, currency, language)
        note = WORDS[language]["quantity_of"].format(quantity=item.quantity, price=price)
        total = money(item.unit_amount_minor * item.quantity, currency, language)
        found.append(Row(item.name, note if item.quantity > 1 else "", total))
    return found


def totals(
    link: paylink_pb2.PaymentLink, own: pages_pb2.PagePayment | None, language: str
) -> list[Row]:
    """The total, and the amount due if that is less; the last row is the amount to pay now.

    Once `own` has paid: the amount that it paid.
    """
    words, currency = WORDS[language], link.amount.currency
    whole, asked, due = link.amount.amount_minor, asked_minor(link), link.amount_due.amount_minor
    rows = [("total", whole)]
    if asked != whole:
        rows += [("later", whole - asked), ("deposit", asked)]
    if own is not None and own.link_payment.state == TRY.STATE_SUCCEEDED:
        due, last = own.link_payment.amount.amount_minor, "paid_now"
    else:
        due, last = (asked if link.state == LINK.STATE_PAID else due), "still"
    if due < asked:
        rows += [("received", due - asked), (last, due)]
    return [Row(words[word], "", money(minor, currency, language)) for word, minor in rows]


def outcome(page: pages_pb2.PayPage, name: str, language: str) -> str:
    """The text of a page without choices; for an ended link, with the money that has arrived."""
    link, words = page.payment_link, WORDS[language]
    recipient = page.new_link_recipient
    arrived_minor, key = page.late_minor, f"{name}_text"
    if name in ("expired", "cancelled"):
        if page.late_minor and page.late_minor >= link.amount_due.amount_minor:
            key = f"{name}_late"
        elif not link.reusable and link.paid_minor + page.late_minor:
            arrived_minor += link.paid_minor
            key = "expired_new_part" if recipient else f"{name}_part"
        elif recipient:
            key = "expired_new"
    partner = page.payment.link_payment.partner
    if partner and name in ("instalments", "in_parts"):
        key = f"{name}_text_partner"
    amount = money(arrived_minor, link.amount.currency, language)
    return words[key].format(
        merchant=isolated(page.merchant.name),
        recipient=recipient,
        amount=amount,
        partner=isolated(partner_name(partner)),
    )


def balance_minor(link: paylink_pb2.PaymentLink) -> int:
    """Amount that is asked for later, after a deposit."""
    return link.amount.amount_minor - asked_minor(link)


def groups(text: str, size: int = 4) -> Sequence[str]:
    """An IBAN or a reference in groups that can be compared by eye."""
    plain = text.replace(" ", "")
    return [plain[start : start + size] for start in range(0, len(plain), size)]


def number_of(tried: paylink_pb2.LinkPayment) -> Sequence[str]:
    """A payment's number for phone support: its id without prefix, in groups."""
    return groups((tried.payment_id or tried.id).rpartition("_")[2])


def parts_of(offer: offer_pb2.InstalmentOffer, language: str) -> list[Row]:
    """Dates and amounts; the first payment of the merchant's own plan is due on signing."""
    words, currency = WORDS[language], offer.total.currency
    signed = "" if offer.HasField("partner") else words["instalments_first"]
    return [
        Row(
            name=display.day(date.fromisoformat(part.due_on), language),
            note="" if index else signed,
            amount=money(part.amount_minor, currency, language),
        )
        for index, part in enumerate(offer.schedule)
    ]


def partner_name(method: str) -> str:
    """The lender's name, from the PSP's name of its payment method."""
    return _PARTNERS.get(method, method.replace("_", " ").title())


def can_give_up(own: pages_pb2.PagePayment | None) -> bool:
    """Whether the shopper's attempt waits for a challenge or a signature: until then no money is
    taken.
    """
    if own is None or own.link_payment.state != TRY.STATE_PROCESSING:
        return False
    if own.link_payment.method == INSTALMENTS:
        return True
    by_card = own.link_payment.method != TRANSFER
    return by_card and own.payment_state == PAYMENT.STATE_REQUIRES_ACTION


def web_address(url: str) -> str:
    """The URL if a browser may be sent there; "" for scripts and other schemes."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def path_of(url: str) -> str:
    """Path of one of our pages, on whatever host the browser uses."""
    path = urlsplit(url).path
    return path if path.startswith("/") and not path.startswith("//") else ""


def qr_svg(payload: str) -> str:
    """EPC069-12 requires error correction M and at most version 13."""
    code = segno.make(payload, error="m", micro=False, boost_error=False, encoding="utf-8")
    picture: str = code.svg_inline(omitsize=True, border=4, dark="#000", light="#fff")
    return picture


def asks_for_email(link: paylink_pb2.PaymentLink) -> bool:
    """Whether the recipient of the receipt is still unknown."""
    return link.reusable or (not link.channels and link.origin != LINK.ORIGIN_SHOP)
