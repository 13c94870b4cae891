"""Checks a statement's balances, counts and sums. Pure.

Nothing is imported from a file before all of it has been checked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from libs.statements import amounts
from libs.statements.model import (
    Ending,
    Entry,
    Event,
    Format,
    Heading,
    State,
    Statement,
    Total,
)
from libs.statements.refusals import RefusedError

MOST_STATEMENTS: Final = 10_000
MOST_BALANCES: Final = 20  # of a statement


def statements(events: Iterable[Event]) -> Iterator[Format | Statement]:
    """Yields the format, then each statement at its end. Raises RefusedError."""
    count = 0
    sums: _Sums | None = None
    for event in events:
        match event:
            case Format():
                yield event
            case Heading():
                count += 1
                if count > MOST_STATEMENTS:
                    raise RefusedError(
                        f"contains more than {MOST_STATEMENTS} statements: split it",
                        line=event.line,
                    )
                sums = _Sums(event)
            case Entry():
                assert sums is not None
                sums.add(event)
            case Ending():
                assert sums is not None
                yield sums.proven(event)


@dataclass(slots=True)
class _Sums:
    heading: Heading
    credits: Counter[str] = field(default_factory=Counter)
    debits: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    first_lines: dict[str, int] = field(default_factory=dict)
    reversed_minor: int = 0
    others: int = 0
    other_credits_minor: int = 0
    other_debits_minor: int = 0
    first_on: date | None = None
    last_on: date | None = None
    payments: int = 0  # of all entries; an entry without details counts as one

    def add(self, entry: Entry) -> None:
        self.payments += max(1, len(entry.details))
        if entry.state is not State.BOOKED:
            self.others += 1
            self.other_credits_minor += max(0, entry.amount_minor)
            self.other_debits_minor += max(0, -entry.amount_minor)
            return
        if (day := entry.booked_on or entry.value_on) is not None:
            self.first_on = min(self.first_on or day, day)
            self.last_on = max(self.last_on or day, day)
        self.first_lines.setdefault(entry.currency, entry.line)
        self.entries[entry.currency] += 1
        if entry.amount_minor >= 0:
            self.credits[entry.currency] += entry.amount_minor
        else:
            self.debits[entry.currency] -= entry.amount_minor
        if entry.is_reversal:
            self.reversed_minor += entry.amount_minor

    def proven(self, ending: Ending) -> Statement:
        """The checked statement. Raises RefusedError."""
        if len(ending.balances) > MOST_BALANCES:
            self._refuse(ending, f"has more than {MOST_BALANCES} balances")
        count = sum(self.entries.values())
        says_nothing = not (count or self.others or ending.opening or ending.closing)
        if ending.needs_balances and says_nothing:
            raise RefusedError(
                f"statement {self.heading.id} has neither balances nor entries", line=ending.line
            )
        self._check_claim(ending)
        adds_up, turns = self._adds_up(ending)
        return Statement(
            heading=self.heading,
            opening=ending.opening,
            closing=ending.closing,
            balances=ending.balances,
            adds_up=adds_up,
            totals=tuple(
                Total(currency, number, self.credits[currency], self.debits[currency])
                for currency, number in self.entries.items()
            ),
            others=self.others,
            first_on=self.first_on,
            last_on=self.last_on,
            turns_reversals=turns,
        )

    def _check_claim(self, ending: Ending) -> None:
        """Banks count and total booked entries only, or all entries; some count the payments in a
        batch.
        """
        claim = ending.claim
        booked = sum(self.entries.values())
        if claim.entries not in {None, booked, booked + self.others, self.payments}:
            self._refuse(
                ending, f"says that it has {claim.entries} entries, but has {booked + self.others}"
            )
        for claimed, sums, others, what in (
            (claim.credits_minor, self.credits, self.other_credits_minor, "credits"),
            (claim.debits_minor, self.debits, self.other_debits_minor, "debits"),
        ):
            total = sum(sums.values())
            if claimed not in {None, total, total + others}:
                self._refuse(
                    ending, f"states a sum of {what} that differs from that of its entries"
                )

    def _adds_up(self, ending: Ending) -> tuple[bool | None, bool]:
        """Whether it adds up, and whether only after inverting the sign of reversals, as some banks
        write them.
        """
        opening, closing = ending.opening, ending.closing
        if opening is None or closing is None or opening.currency != closing.currency:
            return None, False
        for currency, line in self.first_lines.items():
            if currency != opening.currency:
                raise RefusedError(
                    f"an entry in {currency} is in statement {self.heading.id} of an account in {opening.currency}",
                    line=line,
                )
        moved = self.credits[opening.currency] - self.debits[opening.currency]
        computed = opening.amount_minor + moved
        if computed == closing.amount_minor:
            return True, False
        if self.reversed_minor and computed - 2 * self.reversed_minor == closing.amount_minor:
            return True, True
        if ending.is_provisional:
            return None, False
        self._refuse(
            ending,
            f"does not add up: {amounts.written(opening.amount_minor, opening.currency)} and its entries make "
            f"{amounts.written(computed, opening.currency)}, but it closes at "
            f"{amounts.written(closing.amount_minor, closing.currency)}",
        )
        return None, False

    def _refuse(self, ending: Ending, reason: str) -> None:
        raise RefusedError(f"statement {self.heading.id} {reason}", line=ending.line)
