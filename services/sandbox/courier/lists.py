"""The lists that a courier sends: accepted parcels, and their events. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.sandbox.courier.dialects import Cell, Table
from services.sandbox.courier.parcels import Movement, Parcel, State
from services.sandbox.courier.remitting import Line

MOST_ROWS: Final = 10_000
REMITTANCE: Final = (
    "Spedizione", "Rif. mittente", "Data", "Esito", "Contrassegno", "Commissione", "Netto",
)  # fmt: skip  # a table
MANIFEST: Final = ("Spedizione", "Rif. mittente", "Contrassegno", "Incasso")
EVENTS: Final = (
    "Progressivo", "Spedizione", "Rif. mittente", "Data", "Ora", "Esito", "Contrassegno", "Incasso",
)  # fmt: skip  # a table
_WORDS: Final = {
    State.ATTEMPTED: "ASSENTE",
    State.COLLECTED: "CONSEGNATO",
    State.REFUSED: "RIFIUTATO",
    State.RETURNED: "RESO",
}
_ZONE: Final = ZoneInfo("Europe/Rome")  # of the courier's clocks


def remittance(lines: Sequence[Line], on: date) -> Table:
    rows = [
        (
            line.tracking_number,
            line.reference,
            on,
            line.outcome,
            line.collected_minor,
            line.cut_minor,
            line.remitted_minor,
        )
        for line in lines
    ]
    return Table("Rimesse contrassegno", REMITTANCE, rows)


def manifest(parcels: Sequence[Parcel]) -> Table:
    """With the amount that the courier will collect, whatever was announced."""
    rows = [
        (parcel.tracking_number, parcel.reference, parcel.amount_minor, parcel.mode)
        for parcel in parcels
    ]
    return Table("Spedizioni affidate", MANIFEST, rows)


def events(movements: Sequence[Movement]) -> Table:
    return Table("Esiti spedizioni", EVENTS, [_event(each) for each in movements], has_total=False)


def _event(movement: Movement) -> tuple[Cell, ...]:
    at = datetime.fromtimestamp(movement.moved_at, _ZONE)
    return (
        f"E{movement.sequence:09d}",
        movement.tracking_number,
        movement.reference,
        at.date(),
        at.time(),
        _WORDS[movement.state],
        movement.collected_minor,
        movement.mode,
    )
