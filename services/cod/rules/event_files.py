"""A courier's event file, line by line. Pure.

An event counts once by the courier's own id. Without one, its id is derived from the content of the
line and the number of equal lines above it: two equal lines are two events, and the same lines in
another file, e.g. one for a longer period, are the same events.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from libs.sheets.cells import Cell, WrongCellError, moment_of, text_of, time_of
from libs.sheets.reading import Row, folded
from services.cod.rules.courier_events import CLOCKS_DIFFER, CourierEvent, NewCourierEvent
from services.cod.rules.courier_files import RECORDED, Reader, Reading, code_of, number_of, word_of
from services.cod.rules.couriers import CollectionMode, Courier
from services.cod.rules.overdue import ZONE
from services.cod.rules.states import ParcelEvent

BLOCK: Final = 400  # events per transaction
_ID_CHARACTERS: Final = 32  # of the digest


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFile:
    """The result of a file: number of events by outcome, and how many a person should look at."""

    events: int
    outcomes: Mapping[str, int]
    exceptions: int


def read(data: bytes, courier: Courier, now: datetime) -> Reading[NewCourierEvent]:
    """All events in file order; none if the file has a fault."""
    return _Reader(courier, now).read(data)


class _Reader(Reader[NewCourierEvent]):
    KEYS = ("tracking_number",)
    LIMITS = RECORDED

    def __init__(self, courier: Courier, now: datetime) -> None:
        columns = courier.event_columns
        assert columns is not None
        super().__init__(columns, columns.amounts, courier.currency)
        self._days = columns.days
        self._words = {folded(word.text): word.kind for word in columns.words}
        self._modes = {folded(mode.code): mode.mode for mode in courier.modes}
        self._latest = now + CLOCKS_DIFFER
        self._seen: Counter[NewCourierEvent] = Counter()
        self._own: dict[str, tuple[int, NewCourierEvent]] = {}

    def line(self, row: Row) -> NewCourierEvent | None:
        """None if the courier's word is one to skip."""
        for name in ("event_id", "tracking_number", "kind", "occurred_at"):
            if self.has_column(name) and not self.has_value(row, name):
                self.fault(row, name, "is empty")
        kind = self.cell(row, "kind", self._kind)
        number = self.cell(row, "tracking_number", number_of)
        at = self._occurred_at(row)
        if kind is None or number is None or at is None:
            return None
        collected = kind is ParcelEvent.COLLECTED
        return self._known(
            row,
            NewCourierEvent(
                event_id=self.cell(row, "event_id", code_of) or "",
                tracking_number=number,
                kind=kind,
                occurred_at=at,
                amount_minor=self.cell(row, "amount", self._collected) if collected else None,
                mode=self.cell(row, "mode", self._mode) if collected else None,
            ),
        )

    def _kind(self, cell: Cell) -> ParcelEvent | None:
        return word_of(cell, self._words)

    def _occurred_at(self, row: Row) -> datetime | None:
        """The moment, given in local time at the place of delivery."""
        day = self.cell(row, "occurred_at", lambda cell: moment_of(cell, self._days))
        clock = self.cell(row, "time", time_of)
        if day is None:
            return None
        local = day if clock is None else datetime.combine(day.date(), clock)
        at = local.replace(tzinfo=ZONE).astimezone(UTC)
        if at > self._latest:
            self.fault(row, "occurred_at", "is in the future")
        return at

    def _collected(self, cell: Cell) -> int:
        amount = self.amount(cell)
        if amount < 0:
            raise WrongCellError("must not be below zero")
        return amount

    def _mode(self, cell: Cell) -> CollectionMode:
        try:
            return self._modes[folded(text_of(cell))]
        except KeyError:
            raise WrongCellError("is not one of the courier's mode codes") from None

    def _known(self, row: Row, event: NewCourierEvent) -> NewCourierEvent:
        """The event with its id. A courier's id used for two different events is a fault: one of them
        would be lost.
        """
        if not self.has_column("event_id"):
            self._seen[event] += 1
            return replace(event, event_id=_id_of(event, self._seen[event]))
        line, first = self._own.setdefault(event.event_id, (row.line, event))
        if first != event:
            self.fault(row, "event_id", f"is already the id of a different event in line {line}")
        return event


def _id_of(event: NewCourierEvent, time: int) -> str:
    """`time`: how often the line has occurred so far in the file."""
    mode = "" if event.mode is None else event.mode.value
    identity = (
        event.tracking_number,
        event.kind.value,
        event.occurred_at,
        event.amount_minor,
        mode,
    )
    digest = hashlib.sha256(repr((*map(str, identity), time)).encode()).hexdigest()
    return f"file-{digest[:_ID_CHARACTERS]}"


def blocks(events: Sequence[NewCourierEvent]) -> Iterator[Sequence[NewCourierEvent]]:
    """Blocks in order of time, in which events are applied."""
    ordered = sorted(events, key=lambda event: event.occurred_at)
    return (ordered[start : start + BLOCK] for start in range(0, len(ordered), BLOCK))


def summed(kept: Sequence[CourierEvent]) -> EventFile:
    return EventFile(
        events=len(kept),
        outcomes=dict(Counter(event.outcome.value for event in kept)),
        exceptions=sum(event.is_exception for event in kept),
    )
