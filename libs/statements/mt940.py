"""SWIFT MT940 and the banks' variations of it: bare or in envelopes, with tags of their own. Pure.

Read line by line, since a message may be long. `:86:` belongs to the booking before it, or to the
whole statement once the closing balance has been read.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from libs.statements import amounts, mt940_text, text_lines
from libs.statements.model import (
    NO_REFERENCE,
    Balance,
    Ending,
    Entry,
    Event,
    Format,
    Heading,
    References,
    State,
)
from libs.statements.refusals import RefusedError

START: Final = re.compile(r"^(?:\{1:F|:20:)", re.MULTILINE)  # somewhere in the first lines
MOST_LINES: Final = 200  # of one field
MOST_BETWEEN: Final = 20  # lines between messages
_FIELD: Final = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)", re.DOTALL)
_END: Final = re.compile(r"-(?:\}.*|X*)")
_BALANCE: Final = re.compile(r"([CD])([0-9]{6})([A-Z]{3})?([0-9]+,[0-9]*)")
_ENTRY: Final = re.compile(
    r"(?P<value>[0-9]{6})(?P<booked>[0-9]{4})?(?P<mark>RC|RD|EC|ED|C|D)[A-Z]?"
    r"(?P<amount>[0-9]+,[0-9]*)(?P<kind>[A-Z][A-Z0-9]{3})(?P<references>.*)"
)
_SIGNS: Final = {"C": 1, "D": -1, "RC": -1, "RD": 1, "EC": 1, "ED": -1}
_EXPECTED: Final = frozenset({"EC", "ED"})
_REVERSED: Final = frozenset({"RC", "RD"})
_OF_ONE_LINE: Final = frozenset({"25", "25P", "28", "28C", "60F", "60M", "62F", "62M", "64", "65"})
# The latter only say which other field contains the reference.
_NONE: Final = NO_REFERENCE | {"EREF", "PREF", "MREF", "CREF", "KREF"}
_CENTURY: Final = 80  # two-digit years from here on belong to the last century


@dataclass(slots=True)
class _Field:
    tag: str
    line: int
    lines: list[str]


@dataclass(slots=True)
class _Message:
    line: int
    id: str
    account: str = ""
    number: str = ""
    opening: Balance | None = None
    continues: bool = False
    closing: Balance | None = None
    closing_line: int = 0
    balances: list[Balance] = field(default_factory=list)
    entry: Entry | None = None  # the entry whose texts may follow
    is_headed: bool = False


def read(chunks: Iterable[bytes]) -> Iterator[Event]:
    yield Format("mt940")
    message: _Message | None = None
    count, last = 0, 1
    for part in _fields(text_lines.lines(chunks)):
        last = part.line
        if part.tag in {"20", ""} and message is not None:
            yield from _ended(message, part.line)
            message = None
        if part.tag == "20":
            message = _Message(part.line, part.lines[0].strip())
            count += 1
        elif message is not None and part.tag:
            yield from _taken(message, part)
        elif part.tag:
            raise RefusedError(f"has :{part.tag}: outside of a message", line=part.line)
    if message is not None:
        yield from _ended(message, last)
    if not count:
        raise RefusedError("contains no statement")


def _fields(lines: Iterable[tuple[int, str]]) -> Iterator[_Field]:
    """Yields each field with its continuation lines; an untagged one at the end of a message."""
    held: _Field | None = None
    between = 0
    for number, line in lines:
        text = line[line.rfind("{4:") + 3 :] if line.startswith("{") else line
        found = _FIELD.match(text)
        if found is not None:
            if held is not None:
                yield held
            held, between = _Field(found[1], number, [found[2]]), 0
        elif held is not None and _END.fullmatch(text.rstrip()):
            yield held
            yield _Field("", number, [])
            held = None
        elif held is not None:
            held.lines.append(text)
            if len(held.lines) > MOST_LINES:
                raise RefusedError(f"has a field of more than {MOST_LINES} lines", line=number)
        elif text.strip():
            between += 1
            if between > MOST_BETWEEN:
                raise RefusedError("has text outside of a message", line=number)
    if held is not None:
        yield held


def _taken(message: _Message, part: _Field) -> Iterator[Event]:
    first = part.lines[0].strip()
    if part.tag in _OF_ONE_LINE and any(map(str.strip, part.lines[1:])):
        raise RefusedError(f"has text after :{part.tag}:, which takes one line", line=part.line + 1)
    match part.tag:
        case "25" | "25P":
            message.account = first.replace(" ", "")
        case "28" | "28C":
            message.number = first
        case "60F" | "60M":
            message.continues = part.tag == "60M"
            message.opening = _balance(message, part)
        case "61":
            yield from _booked(message, part)
        case "86" | "NS" if message.entry is not None:
            message.entry = mt940_text.with_text(
                message.entry, part.lines, is_national=part.tag == "NS"
            )
        case "62F" | "62M":
            yield from _released(message)
            yield from _headed(message)
            message.closing, message.closing_line = _balance(message, part), part.line
        case "64" | "65":
            message.balances.append(_balance(message, part))


def _booked(message: _Message, part: _Field) -> Iterator[Event]:
    yield from _released(message)
    if message.closing is not None:
        raise RefusedError("has a booking after the closing balance", line=part.line)
    yield from _headed(message)
    assert message.opening is not None
    message.entry = _entry(part, message.opening.currency)


def _released(message: _Message) -> Iterator[Entry]:
    """Yields the booking, whose text is now complete."""
    if message.entry is not None:
        yield message.entry
        message.entry = None


def _headed(message: _Message) -> Iterator[Heading]:
    if message.is_headed:
        return
    if not message.account:
        raise RefusedError("has a message without its account (:25:)", line=message.line)
    if message.opening is None:
        raise RefusedError(
            "has a message without an opening balance (:60F:), as reports of the day (MT942) are",
            line=message.line,
        )
    message.is_headed = True
    yield Heading(
        message.line,
        account=message.account,
        id=message.id,
        number=message.number,
        continues=message.continues,
    )


def _ended(message: _Message, line: int) -> Iterator[Event]:
    yield from _released(message)
    if message.closing is None:
        raise RefusedError("ends too early: a message has no closing balance (:62F:)", line=line)
    yield Ending(
        message.closing_line,
        opening=message.opening,
        closing=message.closing,
        balances=tuple(message.balances),
        needs_balances=True,
    )


def _balance(message: _Message, part: _Field) -> Balance:
    """Some banks give the currency only in the first balance."""
    found = _BALANCE.fullmatch(part.lines[0].strip())
    if found is None:
        raise RefusedError(f":{part.tag}: is not a balance", line=part.line)
    known = message.opening.currency if message.opening is not None else ""
    currency = found[3] or known
    what = f"the balance :{part.tag}:"
    minor = amounts.unsigned(found[4], currency, what=what, line=part.line, mark=",")
    balance = Balance(
        -minor if found[1] == "D" else minor,
        currency,
        _day(found[2], part.line, what),
        kind=part.tag,
    )
    if part.tag[:2] in {"60", "62"}:
        message.balances.append(balance)
    return balance


def _entry(part: _Field, currency: str) -> Entry:
    found = _ENTRY.fullmatch(part.lines[0].strip())
    if found is None:
        raise RefusedError(":61: is not a booking", line=part.line)
    mark = found["mark"]
    minor = amounts.unsigned(
        found["amount"], currency, what="the amount of :61:", line=part.line, mark=","
    )
    value_on = _day(found["value"], part.line, "the value date of :61:")
    customer, _, bank = found["references"].partition("//")
    return Entry(
        line=part.line,
        booked_on=_booked_on(found["booked"], value_on, part.line),
        value_on=value_on,
        amount_minor=_SIGNS[mark] * minor,
        currency=currency,
        references=References(bank=_given(bank), customer=_given(customer)),
        state=State.PENDING if mark in _EXPECTED else State.BOOKED,
        is_reversal=mark in _REVERSED,
        kind=found["kind"],
        text=" ".join(" ".join(part.lines[1:]).split()),
    )


def _given(reference: str) -> str:
    reference = reference.strip()
    return "" if reference.upper() in _NONE else reference


def _day(text: str, line: int, what: str) -> date:
    year = int(text[:2])
    century = "19" if year >= _CENTURY else "20"
    return amounts.day(f"{century}{text[:2]}-{text[2:4]}-{text[4:]}", what=what, line=line)


def _booked_on(text: str | None, value_on: date, line: int) -> date:
    """Booking date, in the year that brings it closest to the value date."""
    if text is None:
        return value_on
    month, day = int(text[:2]), int(text[2:])
    found = []
    for year in (value_on.year - 1, value_on.year, value_on.year + 1):
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    if not found:
        raise RefusedError("the booking date of :61: is not a calendar date", line=line)
    return min(found, key=lambda each: abs(each - value_on))
