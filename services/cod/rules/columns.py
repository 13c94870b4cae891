"""Where a courier's files have what: names of columns, as their headers write them. Pure.

How files are read by them is in courier_files.py.
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
    """What a text of the courier's remittance files means; compared without regard to case."""

    text: str
    meaning: Meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What the fields of text say of a kind of file: the column that has it; None: no column has it. The
    header is line `header_row` from 1.
    """

    header_row: int = 1

    @property
    def names(self) -> Sequence[tuple[str, str]]:
        """What the file has, each with its column."""
        said = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [(name, column) for name, column in said if column and isinstance(column, str)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemittanceColumns(Sheet):
    """Of what a courier has passed on."""

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
    """Of what a courier will collect for which parcel."""

    tracking_number: str
    sender_reference: str
    to_collect: str


@dataclass(frozen=True, slots=True)
class EventWord:
    """What a text of the courier's event files means. `kind`: None for what is passed over."""

    text: str
    kind: ParcelEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventColumns(Sheet):
    """Of what became of parcels. `time`: where it stands in a column of its own."""

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
        raise invalid(f"{_REMITTANCES}.tracking_number", "is required, or else sender_reference")
    if not (columns.collected or columns.remitted):
        raise invalid(f"{_REMITTANCES}.collected", "is required, or else remitted")
    _check_names(columns, _REMITTANCES)
    if columns.words and not columns.state:
        raise invalid(f"{_REMITTANCES}.words", "needs the column state")
    _check_words([word.text for word in columns.words], _REMITTANCES)


def _check_names(sheet: Sheet, field: str) -> None:
    taken: dict[str, str] = {}
    for name, column in sheet.names:
        if (other := taken.setdefault(column.casefold(), name)) != name:
            raise invalid(f"{field}.{name}", f"is the column of {other} already")


def _check_words(texts: Sequence[str], field: str) -> None:
    folded = [text.casefold() for text in texts]
    for index, text in enumerate(folded):
        if text in folded[:index]:
            raise invalid(f"{field}.words.{index}.text", "is there twice")
