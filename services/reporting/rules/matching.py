"""The rules that match items, in their order, and the search for sums. Pure; rules for pairs run as
SQL.

A rule matches only what is unambiguous. Ambiguous matches are suggestions.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Final

from services.reporting.rules.items import OpenItem, Stage

DEFAULT_TOLERANCE_MINOR: Final = 0
DEFAULT_LATE_AFTER_DAYS: Final = 7
WINDOW_DAYS: Final = 10  # between the expected and the reported day, without a reference
EARLY_DAYS: Final = 1  # by which theirs may precede ours: days end at different times elsewhere
MOST_OF_A_SUM: Final = 31  # items: a month of days
MOST_SUMMED: Final = 2_000  # open items searched for sums in one run


class Rule(Enum):
    REFERENCE = "reference"
    ORDER = "order"
    TEXT = "text"
    AMOUNT = "amount"
    SUM = "sum"
    PERSON = "person"


class Fit(Enum):
    NUMBERED = "numbered"  # equal ones belong to one payment: matched in order
    UNIQUE = "unique"  # only if one fits one
    NEAR = "near"  # unique, and within the tolerance


@dataclass(frozen=True, slots=True)
class Step:
    """Items whose columns are equal. `needs_payer`: only from payers who have paid the party's
    money before.
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
    """Unambiguous sums: of consecutive `parts` of one kind, by day, none of which fits
    elsewhere.
    """
    found = [one_sum for one in ones for one_sum in _of(one, parts)]
    of_one = Counter(each.one.id for each in found)
    of_part = Counter(part.id for each in found for part in each.parts)
    return [
        each
        for each in found
        if of_one[each.one.id] == 1 and all(of_part[part.id] == 1 for part in each.parts)
    ]


def _of(one: OpenItem, parts: Sequence[OpenItem]) -> Iterator[Sum]:
    rows: dict[str, list[OpenItem]] = {}
    for part in sorted(parts, key=lambda each: (each.happened_on, each.id)):
        if _may_be_part(one, part):
            rows.setdefault(part.party, []).append(part)
    for row in rows.values():
        for first in range(len(row)):
            total = 0
            for last in range(first, min(len(row), first + MOST_OF_A_SUM)):
                total += row[last].amount_minor
                if total == one.amount_minor and last > first:
                    yield Sum(one, row[first : last + 1])


def _may_be_part(one: OpenItem, part: OpenItem) -> bool:
    """At a PSP only of the same payment: payments that happen to add up to a line are no proof."""
    if part.currency != one.currency or not _near(one.happened_on, part.happened_on):
        return False
    if one.stage is Stage.BANK:
        return True
    payment = one.payment_reference
    same = (part.party, part.kind, part.payment_reference) == (one.party, one.kind, payment)
    return same and payment is not None


def _near(one: date, other: date) -> bool:
    return abs(one - other) <= timedelta(days=WINDOW_DAYS)


def apart(found: Sequence[Sum]) -> Sequence[Sum]:
    """Those that share no item with an earlier one."""
    kept, used = [], set[str]()
    for each in found:
        members = {each.one.id, *(part.id for part in each.parts)}
        if not members & used:
            kept.append(each)
            used |= members
    return kept
