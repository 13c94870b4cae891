"""Journal entries: the amounts that one event moves from credited to debited accounts. Pure.

An entry consists of postings that each move one amount from one account to another, so it always
balances.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.reporting.rules import postings
from services.reporting.rules.chart import ORDER, Place
from services.reporting.rules.facts import BookableEvent


class UnbalancedError(Exception):
    """A rule's amounts do not sum to zero, so nothing is booked."""


@dataclass(frozen=True, slots=True)
class Posting:
    debit: Place
    credit: Place
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry before booking: the booking date depends on which months are closed."""

    event: BookableEvent
    postings: Sequence[Posting]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An entry of the journal, identified by its event's id."""

    merchant_id: str
    id: str
    kind: str
    happened_on: date
    booked_on: date
    currency: str
    resource_id: str
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    recorded_at: datetime
    method: str | None
    closed_month: str | None  # the closed month it belongs to, if it was booked later


def entry_of(event: BookableEvent) -> Entry | None:
    """None if nothing moved. An entry that only moves due dates has no postings."""
    found = paired(postings.amounts(event.fact))
    return Entry(event, found) if found or event.dues else None


def paired(amounts: Mapping[Place, int]) -> Sequence[Posting]:
    """Pairs debits with credits, in the order of the chart. Raises UnbalancedError."""
    if sum(amounts.values()):
        raise UnbalancedError(amounts)
    ordered = _ordered(amounts)
    debits = deque((place, amount) for place, amount in ordered if amount > 0)
    credited = deque((place, -amount) for place, amount in ordered if amount < 0)
    found = []
    while debits:
        (debit, owed), (credit, left) = debits.popleft(), credited.popleft()
        moved = min(owed, left)
        found.append(Posting(debit, credit, moved))
        if owed > moved:
            debits.appendleft((debit, owed - moved))
        if left > moved:
            credited.appendleft((credit, left - moved))
    return found


def _ordered(amounts: Mapping[Place, int]) -> Sequence[tuple[Place, int]]:
    return sorted(amounts.items(), key=lambda item: (ORDER[item[0].account], item[0].party))
