"""The rules that match items, in order, and the search for sums. Pure; rules for pairs run as SQL.

A rule matches only unambiguous items. Ambiguous candidates become suggestions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Final, TypeAlias

from services.reporting.rules.items import OpenItem, Stage

DEFAULT_TOLERANCE_MINOR: Final = 0
DEFAULT_LATE_AFTER_DAYS: Final = 7
WINDOW_DAYS: Final = 10  # between the expected and the reported day, without a reference
EARLY_DAYS: Final = 1  # theirs may precede ours by this: days end at different times elsewhere
MOST_OF_A_SUM: Final = 31  # items: one per day of a month
MOST_SUMMED: Final = 2_000  # open items per side searched for sums in one run


_Alike: TypeAlias = tuple[str, ...]  # the fields that a sum and its parts have in common


class Rule(Enum):
    REFERENCE = "reference"
    ORDER = "order"
    TEXT = "text"
    AMOUNT = "amount"
    SUM = "sum"
    PERSON = "person"


class Fit(Enum):
    NUMBERED = "numbered"  # equal items belong to one payment: the first to the first, and so on
    UNIQUE = "unique"  # only if exactly one item fits exactly one
    NEAR = "near"  # unique, and amounts differ by no more than the tolerance


@dataclass(frozen=True, slots=True)
class Step:
    """Matches items whose columns are equal. `needs_payer`: only if the line's payer has paid for
    the same party before.
    """

    rule: Rule
    fit: Fit
    ours: str
    theirs: str
    needs_payer: bool = False


_OPERATION, _PAYMENT = "operation_reference", "payment_reference"
STEPS: Final[Mapping[Stage, Sequence[Step]]] = {
    Stage.PSP: (
        Step(Rule.REFERENCE, Fit.NUMBERED, _OPERATION, _OPERATION),
        Step(Rule.REFERENCE, Fit.NUMBERED, _PAYMENT, _PAYMENT),
        Step(Rule.REFERENCE, Fit.NUMBERED, "payment_id", "payment_id"),
        Step(Rule.REFERENCE, Fit.NEAR, _PAYMENT, _PAYMENT),
        Step(Rule.ORDER, Fit.UNIQUE, "order_reference", "order_reference"),
        Step(Rule.AMOUNT, Fit.UNIQUE, "", ""),
    ),
    Stage.BANK: (
        Step(Rule.REFERENCE, Fit.NUMBERED, _OPERATION, _OPERATION),
        Step(Rule.REFERENCE, Fit.NUMBERED, _OPERATION, _PAYMENT),
        Step(Rule.REFERENCE, Fit.NEAR, _OPERATION, _OPERATION),
        Step(Rule.TEXT, Fit.UNIQUE, "", ""),
        Step(Rule.AMOUNT, Fit.UNIQUE, "", "", needs_payer=True),
    ),
}


@dataclass(frozen=True, slots=True)
class Sum:
    """`one` is the sum of `parts`."""

    one: OpenItem
    parts: Sequence[OpenItem]


def sums(ones: Sequence[OpenItem], parts: Sequence[OpenItem]) -> Sequence[Sum]:
    """Unambiguous sums of alike `parts` that are consecutive by day, none of which fits elsewhere."""
    wanted = {(_alike(one), one.amount_minor) for one in ones}
    runs: dict[tuple[_Alike, int], list[Sequence[OpenItem]]] = defaultdict(list)
    for run, total in _runs(parts):
        if (key := (_alike(run[0]), total)) in wanted:
            runs[key].append(run)
    found = [
        Sum(one, run)
        for one in ones
        for run in runs.get((_alike(one), one.amount_minor), ())
        if _near(one, run[0]) and _near(one, run[-1])
    ]
    of_one = Counter(each.one.id for each in found)
    of_part = Counter(part.id for each in found for part in each.parts)
    return [
        each
        for each in found
        if of_one[each.one.id] == 1 and all(of_part[part.id] == 1 for part in each.parts)
    ]


def _alike(item: OpenItem) -> _Alike:
    """At a PSP, only items of the same payment: different payments may add up to a line by chance."""
    if item.stage is Stage.BANK:
        return (item.currency,)
    return item.currency, item.party, item.kind.value, item.payment_reference or ""


def _runs(parts: Sequence[OpenItem]) -> Iterator[tuple[Sequence[OpenItem], int]]:
    """Yields every run of two or more consecutive items of one party, with its sum."""
    rows: dict[tuple[str, _Alike], list[OpenItem]] = defaultdict(list)
    for part in sorted(parts, key=lambda each: (each.happened_on, each.id)):
        if part.stage is Stage.BANK or part.payment_reference:
            rows[part.party, _alike(part)].append(part)
    for row in rows.values():
        for first in range(len(row)):
            total = row[first].amount_minor
            for last in range(first + 1, min(len(row), first + MOST_OF_A_SUM)):
                total += row[last].amount_minor
                yield row[first : last + 1], total


def _near(one: OpenItem, other: OpenItem) -> bool:
    return abs(one.happened_on - other.happened_on) <= timedelta(days=WINDOW_DAYS)


def apart(found: Sequence[Sum]) -> Sequence[Sum]:
    """The sums that share no item with an earlier one."""
    kept, used = [], set[str]()
    for each in found:
        members = {each.one.id, *(part.id for part in each.parts)}
        if not members & used:
            kept.append(each)
            used |= members
    return kept
