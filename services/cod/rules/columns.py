"""The columns of couriers' files, by their header names. Pure.

courier_files.py reads files with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Final

from libs.errors import invalid
from libs.sheets.cells import AmountStyle, DayOrder
from services.cod.rules.states import ParcelEvent

_REMITTANCES: Final = "terms.remittance_columns"
_MANIFESTS: Final = "terms.manifest_columns"
_EVENTS: Final = "terms.event_columns"


class Meaning(Enum):
    COLLECTED = "collected"
    REFUSED = "refused"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Word:
    """The meaning of a text in the courier's remittance files; case-insensitive."""

    text: str
    meaning: Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Text fields name the column with that field; None: there is no such column. The header is
    line `header_row`, from 1.
    """

    header_row: int = 1

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """The fields that the file has, with their columns."""
        columns = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [(name, column) for name, column in columns if column and isinstance(column, str)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemittanceColumns(Sheet):
    """Columns of remittances."""

    tracking_number: str | None = None
    sender_reference: str | None = None
    collected: str | None = None
    cut: str | None = None
    remitted: str | None = None
    on: str | None = None
    state: str | None = None
    amounts: AmountStyle = AmountStyle.COMMA
    days: DayOrder = DayOrder.DMY
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestColumns(Sheet):
    """Columns of manifests: the amount to collect for each parcel."""

    tracking_number: str
    sender_reference: str
    to_collect: str


@dataclass(frozen=True, slots=True)
class EventWord:
    """The meaning of a text in the courier's event files. `kind` None: skipped."""

    text: str
    kind: ParcelEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventColumns(Sheet):
    """Columns of event files. `time`: if it has a column of its own."""

    event_id: str | None = None
    tracking_number: str
    kind: str
    occurred_at: str
    time: str | None = None
    amount: str | None = None
    mode: str | None = None
    amounts: AmountStyle = AmountStyle.COMMA
    days: DayOrder = DayOrder.DMY
    words: tuple[EventWord, ...]


def check_manifests(columns: ManifestColumns) -> None:
    """Raises InvalidArgument."""
    _check_names(columns, _MANIFESTS)


def check_events(columns: EventColumns) -> None:
    """Raises InvalidArgument."""
    _check_names(columns, _EVENTS)
    _check_words([word.text for word in columns.words], _EVENTS)


def check_remittances(columns: RemittanceColumns) -> None:
    """Raises InvalidArgument."""
    if not (columns.tracking_number or columns.sender_reference):
        raise invalid(f"{_REMITTANCES}.tracking_number", "is required without sender_reference")
    if not (columns.collected or columns.remitted):
        raise invalid(f"{_REMITTANCES}.collected", "is required without remitted")
    _check_names(columns, _REMITTANCES)
    if columns.words and not columns.state:
        raise invalid(f"{_REMITTANCES}.words", "needs the column state")
    _check_words([word.text for word in columns.words], _REMITTANCES)


def _check_names(sheet: Sheet, field: str) -> None:
    taken: dict[str, str] = {}
    for name, column in sheet.names:
        if (other := taken.setdefault(column.casefold(), name)) != name:
            raise invalid(f"{field}.{name}", f"is already the column of {other}")


def _check_words(texts: Sequence[str], field: str) -> None:
    folded = [text.casefold() for text in texts]
    for index, text in enumerate(folded):
        if text in folded[:index]:
            raise invalid(f"{field}.words.{index}.text", "is a duplicate")
