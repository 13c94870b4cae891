"""Files of banks and PSPs that were imported or refused. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from libs import ids
from libs.statements.model import Contents, Statement
from services.reporting.rules import periods

# Months this close to the import get their own partitions; others share one.
MONTHS_BACK: Final = 60
MONTHS_AHEAD: Final = 2
PSP_FORMATS: Final = ("stripe.", "paypal.")


class ImportState(Enum):
    IMPORTED = "imported"
    REFUSED = "refused"


class Source(Enum):
    BANK = "bank"
    PSP = "psp"


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Totals of a file in one currency."""

    currency: str
    entries: int
    credits_minor: int
    debits_minor: int  # unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """`lines`: the number of new lines; `known_lines`: the number known from earlier imports."""

    merchant_id: str
    id: str
    state: ImportState
    source: Source | None
    psp_account: str | None
    format: str | None
    version: str | None
    name: str | None
    content_hash: str
    size_bytes: int
    statements: int
    lines: int
    known_lines: int
    not_booked: int
    totals: tuple[CurrencyTotal, ...]
    refused_line: int | None
    refused_reason: str | None
    created_by: str
    trace_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatement:
    """A statement of an account; its id is the same in every file that contains it."""

    merchant_id: str
    id: str
    account: str
    currency: str | None
    reference: str
    number: str
    from_on: date | None
    to_on: date | None
    opening_minor: int | None
    closing_minor: int | None
    adds_up: bool | None
    lines: int
    import_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """Has `import_id` once the import has ended, and times until then. `entries` 0: still reading."""

    import_id: str | None = None
    entries: int = 0
    staged: int = 0
    begun_at: datetime | None = None
    seen_at: datetime | None = None


def source_of(contents: Contents) -> Source:
    return Source.PSP if contents.format.name.startswith(PSP_FORMATS) else Source.BANK


def totals_of(contents: Contents) -> tuple[CurrencyTotal, ...]:
    entries: Counter[str] = Counter()
    credits_minor: Counter[str] = Counter()
    debits_minor: Counter[str] = Counter()
    for total in (total for each in contents.statements for total in each.totals):
        entries[total.currency] += total.entries
        credits_minor[total.currency] += total.credits_minor
        debits_minor[total.currency] += total.debits_minor
    return tuple(
        CurrencyTotal(currency, entries[currency], credits_minor[currency], debits_minor[currency])
        for currency in sorted(entries)
    )


def months_of(contents: Contents, today: date) -> Sequence[date]:
    """The months from the first to the last entry that get their own partition."""
    firsts = [each.first_on for each in contents.statements if each.first_on]
    lasts = [each.last_on for each in contents.statements if each.last_on]
    if not firsts or not lasts:
        return ()
    return months_between(min(firsts), max(lasts), today)


def months_between(first_on: date, last_on: date, today: date) -> Sequence[date]:
    first = max(_month(first_on), _month(today) - MONTHS_BACK)
    last = min(_month(last_on), _month(today) + MONTHS_AHEAD)
    days = [date(number // 12, number % 12 + 1, 1) for number in range(first, last + 1)]
    return [day for day in days if periods.partitioned(day)]


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def statement_of(
    statement: Statement, merchant_id: str, import_id: str, now: datetime
) -> BankStatement:
    heading, opening, closing = statement.heading, statement.opening, statement.closing
    from_on = (opening.on if opening else None) or statement.first_on
    to_on = (closing.on if closing else None) or statement.last_on
    currencies = [each.currency for each in (opening, closing) if each]
    currencies += [total.currency for total in statement.totals]
    identity = (
        merchant_id,
        heading.account,
        heading.id,
        heading.number,
        heading.page,
        opening,
        closing,
    )
    return BankStatement(
        merchant_id=merchant_id,
        id=ids.derived("stm", repr(identity), on=to_on or date.min),
        account=heading.account,
        currency=currencies[0] if currencies else None,
        reference=heading.id,
        number=heading.number,
        from_on=from_on,
        to_on=to_on,
        opening_minor=opening.amount_minor if opening else None,
        closing_minor=closing.amount_minor if closing else None,
        adds_up=statement.adds_up,
        lines=sum(total.entries for total in statement.totals),
        import_id=import_id,
        created_at=now,
    )
