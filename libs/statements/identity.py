"""Entry ids: the same each time the same line of an account is imported. Pure.

For a PSP transaction: its id. For an entry with a bank reference: account, date, amount and
reference. For any other: account, dates, amount and its whole content. Equal entries are
distinguished by number: the second coffee of a day is the second in each statement that covers the
day. Consecutive statements continue the count; one that overlaps the last restarts it, and so
produces the same ids.
"""

import hashlib
from dataclasses import replace
from typing import Final

from libs.statements.model import Detail, Entry, State, Statement
from libs.statements.refusals import RefusedError

MOST_HELD: Final = 1_000_000  # entries of days that may still continue
_KEY_BYTES: Final = 8
_ID_DIGITS: Final = 32

Days = dict[str, dict[int, int]]


class Identities:
    """Assigns the ids for one file, statement by statement."""

    def __init__(self) -> None:
        self._last: dict[str, Statement] = {}
        self._counts: dict[str, Days] = {}
        self._days: Days = {}
        self._gone: dict[str, set[str]] = {}
        self._held = 0
        self._account = ""

    def begin(self, statement: Statement) -> None:
        account = statement.heading.account
        if not _continues(self._last.get(account), statement):
            self._held -= _size(self._counts.get(account, {}))
            self._counts[account] = {}
            self._gone[account] = set()
        self._last[account] = statement
        self._account = account
        self._days = self._counts[account]

    def named(self, entry: Entry) -> Entry:
        content = _content(self._account, entry).encode()
        day = entry.booked_on.isoformat() if entry.booked_on else ""
        key = int.from_bytes(hashlib.sha256(content).digest()[:_KEY_BYTES], "big")
        number = 1 if entry.is_named else self._number(day, key, entry.line)
        name = _digest(content, number)
        details = tuple(
            replace(detail, id=f"{name}-{place}")
            for place, detail in enumerate(entry.details, start=1)
        )
        return replace(entry, id=name, details=details)

    def _number(self, day: str, key: int, line: int) -> int:
        if self._held >= MOST_HELD:
            self._forget(day, line)
        if day in self._gone[self._account]:
            raise RefusedError(
                f"has more than {MOST_HELD} entries that are not in date order: split it",
                line=line,
            )
        counts = self._days.setdefault(day, {})
        number = counts.get(key, 0) + 1
        counts[key] = number
        self._held += number == 1
        return number

    def _forget(self, day: str, line: int) -> None:
        """Forgets all days but the current one: in a sorted file they are complete."""
        for account, days in self._counts.items():
            kept = {day} if account == self._account else set()
            for over in days.keys() - kept:
                self._gone[account].add(over)
                self._held -= len(days.pop(over))
        if self._held >= MOST_HELD:
            raise RefusedError(f"has more than {MOST_HELD} entries of one day: split it", line=line)


def of_transaction(account: str, reference: str) -> str:
    """The id of an entry whose reference is permanently unique at its PSP."""
    return _digest(_named(account, reference).encode(), 1)


def _digest(content: bytes, number: int) -> str:
    seed = hashlib.sha256(content).digest() + number.to_bytes(_KEY_BYTES, "big")
    return hashlib.sha256(seed).hexdigest()[:_ID_DIGITS]


def _named(account: str, reference: str) -> str:
    return f"{account}\x1f{reference}"


def _size(days: Days) -> int:
    return sum(map(len, days.values()))


def _continues(last: Statement | None, statement: Statement) -> bool:
    """Whether the statement continues from the previous one of its account in this file."""
    if last is None:
        return False
    heading = statement.heading
    if heading.continues or (heading.id == last.heading.id and heading.page != last.heading.page):
        return True
    is_same = (heading.id, heading.number) == (last.heading.id, last.heading.number)
    if statement.opening is None or last.closing is None:
        return not is_same
    if is_same and (statement.opening, statement.closing) == (last.opening, last.closing):
        return False
    here, there = statement.opening, last.closing
    return (here.amount_minor, here.currency) == (there.amount_minor, there.currency)


def _content(account: str, entry: Entry) -> str:
    if entry.is_named:
        return _named(account, entry.references.bank)
    parts = [account, entry.booked_on, entry.amount_minor, entry.currency]
    if entry.state is not State.BOOKED:
        parts.append(entry.state.value)
    if entry.references.bank:
        parts += ["bank", entry.references.bank]
    else:
        parts += ["text", entry.value_on, entry.kind, entry.is_reversal, *_words(entry)]
        for detail in entry.details:
            parts += [detail.amount_minor, detail.currency, *_words(detail)]
    return "\x1f".join(map(str, parts))


def _words(stated: Entry | Detail) -> list[str]:
    party = stated.counterparty
    return [
        *(getattr(stated.references, name) for name in stated.references.__slots__),
        stated.text,
        party.name,
        party.account,
    ]
