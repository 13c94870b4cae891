"""Types of exceptions: items that do not match, and matches that deviate from the agreed terms.
Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from libs import ids
from services.reporting.rules.items import ItemKind, OpenItem, Side, Stage
from services.reporting.rules.lines import SettlementLine
from services.reporting.rules.matches import Pair

MOST_SUGGESTIONS: Final = 5


class ExceptionType(Enum):
    MISSING_AT_PSP = "missing_at_psp"  # known to us, but in no report
    MISSING_AT_BANK = "missing_at_bank"
    UNKNOWN_CHARGE = "unknown_charge"  # in a report, but unknown to us
    UNKNOWN_REFUND = "unknown_refund"
    UNKNOWN_DISPUTE = "unknown_dispute"
    UNEXPLAINED_ADJUSTMENT = "unexplained_adjustment"
    UNKNOWN_CREDIT = "unknown_credit"  # only at the bank
    UNKNOWN_DEBIT = "unknown_debit"
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    DUPLICATE = "duplicate"  # repeats an item already matched
    AMBIGUOUS = "ambiguous"  # fits several items
    LATE = "late"  # matched, but too late
    FEE_DIFFERS = "fee_differs"  # from its source's terms
    SHORTAGE = "shortage"  # a courier has remitted too little


# The types whose item is still open; the others concern matched items.
OF_OPEN_ITEMS: Final = frozenset(ExceptionType) - {
    ExceptionType.LATE,
    ExceptionType.FEE_DIFFERS,
    ExceptionType.SHORTAGE,
}


class ExceptionState(Enum):
    OPEN = "open"
    RESOLVED = "resolved"


class ResolvedAs(Enum):
    MATCHED = "matched"  # with items of the other side
    SPLIT = "split"  # among items and accounts
    WRITTEN_OFF = "written_off"
    DISMISSED = "dismissed"  # explained, with nothing to book
    SUPERSEDED = "superseded"  # by later information


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationException:
    """`amount_minor`: the actual amount; `expected_minor`: the expected one."""

    merchant_id: str
    id: str
    type: ExceptionType
    state: ExceptionState
    stage: Stage
    item_id: str
    ours_id: str | None
    theirs_id: str | None
    party: str
    currency: str
    amount_minor: int
    expected_minor: int | None
    suggestions: tuple[str, ...]
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    happened_on: date
    owner: str | None
    resolved_as: ResolvedAs | None
    resolution: str | None
    resolved_by: str | None
    resolved_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An item that no rule has matched. `same`: the other side's item with the same reference;
    `twice`: an item with the same reference and amount is already matched; `fitting`: candidates by
    amount and day.
    """

    item: OpenItem
    same: OpenItem | None
    twice: bool
    fitting: Sequence[str]


@dataclass(frozen=True, slots=True)
class Judged:
    type: ExceptionType
    ours_id: str | None
    theirs_id: str | None
    amount_minor: int
    expected_minor: int | None
    suggestions: tuple[str, ...]


_UNKNOWN: Final = {
    ItemKind.CHARGE: ExceptionType.UNKNOWN_CHARGE,
    ItemKind.REFUND: ExceptionType.UNKNOWN_REFUND,
    ItemKind.DISPUTE: ExceptionType.UNKNOWN_DISPUTE,
}


def judge(found: Unmatched) -> Judged:
    item, same = found.item, found.same
    ours_id, theirs_id = (None, item.id) if item.side is Side.THEIRS else (item.id, None)
    if item.side is Side.OURS:
        missing = ExceptionType.MISSING_AT_PSP
        if item.stage is Stage.BANK:
            missing = ExceptionType.MISSING_AT_BANK
        return Judged(missing, ours_id, None, item.amount_minor, item.amount_minor, ())
    if same is not None:
        differs = ExceptionType.AMOUNT_DIFFERS
        if same.currency != item.currency:
            differs = ExceptionType.CURRENCY_DIFFERS
        return Judged(differs, same.id, theirs_id, item.amount_minor, same.amount_minor, (same.id,))
    suggestions = tuple(found.fitting[:MOST_SUGGESTIONS])
    return Judged(_of_theirs(found, item), ours_id, theirs_id, item.amount_minor, None, suggestions)


def _of_theirs(found: Unmatched, item: OpenItem) -> ExceptionType:
    if found.twice:
        return ExceptionType.DUPLICATE
    if len(found.fitting) > 1:
        return ExceptionType.AMBIGUOUS
    if item.stage is Stage.BANK:
        is_credit = item.amount_minor > 0
        return ExceptionType.UNKNOWN_CREDIT if is_credit else ExceptionType.UNKNOWN_DEBIT
    return _UNKNOWN.get(item.kind, ExceptionType.UNEXPLAINED_ADJUSTMENT)


def not_as_agreed(pair: Pair) -> Sequence[Judged]:
    """The deviations of a match from the agreed terms."""
    found = []
    if pair.is_late:
        late = ExceptionType.LATE
        found.append(Judged(late, pair.ours_id, pair.theirs_id, pair.amount_minor, None, ()))
    if pair.fee_differs:
        found.append(
            Judged(
                ExceptionType.FEE_DIFFERS,
                pair.ours_id,
                pair.theirs_id,
                pair.fee_minor,
                pair.fee_expected_minor,
                (),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class About:
    """The subject of an exception: the known payment, if there is one, so that the trace leads to
    it.
    """

    merchant_id: str
    stage: Stage
    party: str
    currency: str
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    happened_on: date


def of_item(unmatched: Unmatched, judged: Judged, now: datetime) -> ReconciliationException:
    item = unmatched.item
    known = unmatched.same or item
    about = About(
        item.merchant_id,
        item.stage,
        item.party or known.party,
        item.currency,
        known.payment_id or item.payment_id,
        known.order_reference or item.order_reference,
        known.trace_id,
        item.happened_on,
    )
    return raised(judged, item.id, about, now)


def raised(judged: Judged, item_id: str, about: About, now: datetime) -> ReconciliationException:
    return ReconciliationException(
        merchant_id=about.merchant_id,
        id=ids.new("exc"),
        type=judged.type,
        state=ExceptionState.OPEN,
        stage=about.stage,
        item_id=item_id,
        ours_id=judged.ours_id,
        theirs_id=judged.theirs_id,
        party=about.party,
        currency=about.currency,
        amount_minor=judged.amount_minor,
        expected_minor=judged.expected_minor,
        suggestions=judged.suggestions,
        payment_id=about.payment_id,
        order_reference=about.order_reference,
        trace_id=about.trace_id,
        happened_on=about.happened_on,
        owner=None,
        resolved_as=None,
        resolution=None,
        resolved_by=None,
        resolved_at=None,
        created_at=now,
    )


def shortage(line: SettlementLine, trace_id: str) -> ReconciliationException:
    """The exception for an amount that a courier still owes for an order after remitting."""
    about = About(
        line.merchant_id,
        Stage.BANK,
        line.party,
        line.currency,
        None,
        line.order_reference,
        trace_id,
        line.happened_on,
    )
    short = Judged(ExceptionType.SHORTAGE, None, line.id, line.shortage_minor, 0, ())
    return raised(short, line.id, about, line.created_at)
