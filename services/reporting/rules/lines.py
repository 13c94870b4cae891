"""Lines of bank accounts, PSPs and couriers: the stored form of a file's entries. Pure.

Amounts are the file's. The lines of an entry add up to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from libs import creditor_references, ids, normal_forms, text
from libs.statements.model import Detail, Entry, Party, References, State
from services.reporting.rules.settlement_kinds import SettlementKind, kind_of

MOST_TEXT: Final = 2_000  # characters of a payer's text
MOST_REFERENCE: Final = 255
MOST_LINK_TEXT: Final = 1_000  # characters that paylink accepts


class Part(Enum):
    """Which part of its entry a line is."""

    ENTRY = "entry"  # the whole entry
    PAYMENT = "payment"  # one of the payments it books
    CHARGES = "charges"  # bank charges
    REST = "rest"  # the remainder that the file does not itemise


class LineSource(Enum):
    PSP = "psp"
    COURIER = "courier"


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """Positive for money received. `entry_id` and `place`: the entry, and the position among its
    payments.
    """

    merchant_id: str
    id: str
    booked_on: date
    value_on: date | None
    account: str
    amount_minor: int
    currency: str
    part: Part
    entry_id: str
    place: int
    kind: str
    reversal: bool
    end_to_end_reference: str | None
    creditor_reference: str | None
    bank_reference: str | None
    batch_reference: str | None
    mandate_reference: str | None
    transaction_reference: str | None
    return_reason: str | None
    counterparty_name: str | None
    counterparty_account: str | None
    text: str | None
    statement_id: str
    import_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementLine:
    """Net is gross plus fee; a negative fee is a cost. `shortage_minor`: the amount that a courier
    still owes.
    """

    merchant_id: str
    id: str
    happened_on: date
    source: LineSource
    party: str
    kind: SettlementKind
    provider_kind: str
    provider_reference: str | None
    payment_reference: str | None = None
    operation_reference: str | None = None
    order_reference: str | None = None
    custom_reference: str | None = None
    gross_minor: int
    fee_minor: int
    net_minor: int
    shortage_minor: int = 0
    currency: str
    available_on: date | None = None
    payout_reference: str | None = None
    payout_on: date | None = None
    invoice_reference: str | None = None
    counterparty_name: str | None = None
    text: str | None = None
    import_id: str | None = None
    event_id: str | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Into:
    """The import that the lines belong to."""

    merchant_id: str
    import_id: str
    format: str
    psp_account: str | None
    created_at: datetime


def bank_lines(
    entries: Sequence[Entry], account: str, statement_id: str, into: Into
) -> Iterator[BankLine]:
    """Yields lines of booked entries only: no total includes the others."""
    for entry in entries:
        if entry.state is State.BOOKED:
            yield from _of_entry(entry, account, statement_id, into)


def names_link(line: BankLine) -> bool:
    """Whether the line is a credit whose text contains a reference like those of payment links."""
    if line.amount_minor <= 0 or line.part not in {Part.ENTRY, Part.PAYMENT}:
        return False
    searched = link_text(line)
    return "RF" in searched.upper().replace(" ", "") and any(creditor_references.found_in(searched))


def link_text(line: BankLine) -> str:
    """The fields in which a payer may name a link, as one text."""
    fields = (line.creditor_reference, line.text, line.end_to_end_reference)
    return " ".join(filter(None, fields))[:MOST_LINK_TEXT]


def settlement_lines(entries: Sequence[Entry], into: Into) -> Iterator[SettlementLine]:
    for entry in entries:
        assert entry.booked_on is not None  # PSP reports give it for each row
        found = entry.references
        yield SettlementLine(
            merchant_id=into.merchant_id,
            id=_id("stl", into, entry.id, entry.booked_on),
            happened_on=entry.booked_on,
            source=LineSource.PSP,
            party=into.psp_account or "",
            kind=kind_of(into.format, entry.kind),
            provider_kind=_cut(entry.kind, MOST_REFERENCE) or "",
            provider_reference=_reference(found.bank),
            payment_reference=_reference(found.payment),
            operation_reference=_reference(found.transaction),
            order_reference=_reference(found.order),
            custom_reference=_reference(found.customer),
            gross_minor=entry.amount_minor - entry.fee_minor,
            fee_minor=entry.fee_minor,
            net_minor=entry.amount_minor,
            currency=entry.currency,
            available_on=entry.value_on,
            payout_reference=_reference(found.batch),
            payout_on=entry.batch_on,
            counterparty_name=_cut(entry.counterparty.name, MOST_REFERENCE),
            text=_cut(entry.text, MOST_TEXT),
            import_id=into.import_id,
            created_at=into.created_at,
        )


def _of_entry(entry: Entry, account: str, statement_id: str, into: Into) -> Iterator[BankLine]:
    assert entry.booked_on is not None  # booked entries have a date
    whole = BankLine(
        merchant_id=into.merchant_id,
        id=_id("bln", into, entry.id, entry.booked_on),
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        account=account,
        amount_minor=entry.amount_minor,
        currency=entry.currency,
        part=Part.ENTRY,
        entry_id=entry.id,
        place=0,
        kind=_cut(entry.kind, MOST_REFERENCE) or "",
        reversal=entry.is_reversal,
        **_references(entry.references),
        **_party(entry.counterparty),
        return_reason=_reference(entry.return_reason),
        text=_cut(_words(entry), MOST_TEXT),
        statement_id=statement_id,
        import_id=into.import_id,
        created_at=into.created_at,
    )
    if not _is_itemised(entry):
        yield whole
        return
    for place, detail in enumerate(entry.details, 1):
        yield _of_detail(whole, entry, detail, place, into)
    charges = (Part.CHARGES, entry.fee_minor)
    for part, minor in (charges, (Part.REST, entry.unexplained_minor)):
        if minor:
            name = f"{entry.id}-{part.value}"
            yield replace(
                whole, id=_id("bln", into, name, whole.booked_on), part=part, amount_minor=minor
            )


def _of_detail(whole: BankLine, entry: Entry, detail: Detail, place: int, into: Into) -> BankLine:
    assert detail.amount_minor is not None  # see _is_itemised
    return replace(
        whole,
        id=_id("bln", into, detail.id, whole.booked_on),
        part=Part.PAYMENT,
        place=place,
        amount_minor=detail.amount_minor,
        **_references(detail.references.or_else(entry.references)),
        **_party(detail.counterparty),
        return_reason=_reference(detail.return_reason or entry.return_reason),
        text=_cut(detail.text or entry.text, MOST_TEXT),
    )


def _is_itemised(entry: Entry) -> bool:
    """Whether the file itemises the entry, other than by repeating its amount."""
    same_currency = [each for each in entry.details if each.currency == entry.currency]
    amounts = [each.amount_minor for each in same_currency if each.amount_minor is not None]
    if not amounts or len(amounts) != len(entry.details) or sum(amounts) != entry.gross_minor:
        return False
    return len(amounts) > 1 or entry.gross_minor != entry.amount_minor


def _words(entry: Entry) -> str:
    """The entry's text, with the texts of its payments, for when these cannot be separate lines."""
    if len(entry.details) <= 1:
        return entry.text
    return " ".join(filter(None, (entry.text, *(each.text for each in entry.details[:100]))))


def _id(prefix: str, into: Into, name: str, day: date) -> str:
    return ids.derived(prefix, f"{into.merchant_id} {name}", on=day)


def _references(found: References) -> dict[str, Any]:
    return {
        "end_to_end_reference": _reference(found.end_to_end),
        "creditor_reference": _reference(normal_forms.compact(found.creditor)),
        "bank_reference": _reference(found.bank),
        "batch_reference": _reference(found.batch),
        "mandate_reference": _reference(found.mandate),
        "transaction_reference": _reference(found.transaction or found.instruction),
    }


def _party(party: Party) -> dict[str, Any]:
    return {
        "counterparty_name": _cut(party.name, MOST_REFERENCE),
        "counterparty_account": _reference(normal_forms.compact(party.account)),
    }


def _reference(value: str) -> str | None:
    """The reference in the form in which a shop's own references are stored and compared."""
    return _cut(value, MOST_REFERENCE)


def _cut(value: str, most: int) -> str | None:
    return normal_forms.trimmed(text.without_controls(value))[:most] or None
