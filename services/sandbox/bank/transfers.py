"""Transfer orders: by fields or by the payload of a QR code. Pure."""

from collections.abc import Callable
from typing import Any

from services.sandbox import errors, orders
from services.sandbox.bank import epc
from services.sandbox.books.transfers import Credit, Transfer

FIELDS = frozenset({
    "iban", "bic", "name", "amount_minor", "currency", "reference", "text", "purpose",
    "debtor_name", "epc",
})  # fmt: skip  # a set of words
DEBTOR = "Giulia Bianchi"
LONGEST_PAYLOAD = 1000


def parse(body: dict[str, Any], *, now: Callable[[str], float]) -> Transfer:
    """`now`: the time by the clock of an IBAN's account."""
    orders.only(body, FIELDS)
    try:
        return _scanned(body, now) if body.get("epc") is not None else _typed(body, now)
    except epc.WrongPayloadError as wrong:
        raise errors.InvalidRequestError(wrong.reason, field=wrong.field) from None


def _scanned(body: dict[str, Any], now: Callable[[str], float]) -> Transfer:
    """The payer may add a name, and the amount if the code leaves it open."""
    orders.only(body, frozenset({"epc", "debtor_name", "amount_minor"}))
    payload = epc.parse(orders.text(body, "epc", longest=LONGEST_PAYLOAD))
    if payload.amount_minor is not None and body.get("amount_minor") is not None:
        raise errors.InvalidRequestError("the code already says it", field="amount_minor")
    return Transfer(
        iban=payload.iban,
        bic=payload.bic,
        name=payload.name,
        amount_minor=payload.amount_minor or orders.amount(body),
        currency="EUR",
        reference=payload.reference,
        text=payload.text,
        purpose=payload.purpose,
        debtor_name=_debtor(body),
        booked_at=now(payload.iban),
    )


def _typed(body: dict[str, Any], now: Callable[[str], float]) -> Transfer:
    currency = orders.optional_text(body, "currency") or "EUR"
    if currency != "EUR":
        raise errors.InvalidRequestError("SEPA moves euro only", field="currency")
    reference = orders.optional_text(body, "reference", longest=35)
    text = orders.optional_text(body, "text", longest=epc.LONGEST_TEXT)
    if reference is not None and text is not None:
        raise errors.InvalidRequestError("only a reference or a text", field="text")
    iban = epc.checked_iban(orders.text(body, "iban", longest=42))
    return Transfer(
        iban=iban,
        bic=orders.optional_text(body, "bic", longest=11),
        name=orders.text(body, "name", longest=epc.LONGEST_NAME),
        amount_minor=orders.amount(body),
        currency=currency,
        reference=epc.checked_reference(reference) if reference else None,
        text=text,
        purpose=orders.optional_text(body, "purpose", longest=4),
        debtor_name=_debtor(body),
        booked_at=now(iban),
    )


def _debtor(body: dict[str, Any]) -> str:
    return orders.optional_text(body, "debtor_name", longest=epc.LONGEST_NAME) or DEBTOR


def view(credit: Credit) -> dict[str, Any]:
    transfer = credit.transfer
    return {
        "bank_reference": credit.bank_reference,
        "iban": transfer.iban,
        "bic": transfer.bic,
        "name": transfer.name,
        "amount_minor": transfer.amount_minor,
        "currency": transfer.currency,
        "reference": transfer.reference,
        "text": transfer.text,
        "purpose": transfer.purpose,
        "debtor_name": transfer.debtor_name,
        "booked": int(transfer.booked_at),
    }
