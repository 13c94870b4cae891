"""Parcels with money to collect: the amounts announced to the courier, collected and paid out.
Audits compare with them.
"""

import dataclasses
import sqlite3
from operator import attrgetter

from services.sandbox.courier.parcels import Announced, Movement, Parcel, State

_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Parcel))
_FIND = f"SELECT {_COLUMNS} FROM parcels WHERE sequence = ? AND courier = ?"  # noqa: S608  # our own names
_BY_REFERENCE = f"SELECT {_COLUMNS} FROM parcels WHERE courier = ? AND reference = ?"  # noqa: S608  # as above
_PAGE = (
    f"SELECT {_COLUMNS} FROM parcels WHERE courier = ? AND sequence > ? ORDER BY sequence LIMIT ?"  # noqa: S608  # as above
)
_MOVEMENTS = ", ".join(field.name for field in dataclasses.fields(Movement))
_MOVEMENTS_OF = f"SELECT {_MOVEMENTS} FROM movements WHERE courier = ? ORDER BY sequence LIMIT ?"  # noqa: S608  # as above
_UNPAID = f"SELECT {_COLUMNS} FROM parcels WHERE courier = ? AND state = ? AND remittance = 0 ORDER BY sequence"  # noqa: S608  # as above
_ANNOUNCE = """
INSERT INTO parcels (courier, reference, amount_minor, currency, mode, state, collected_minor,
  remitted_minor, remittance, moved_at) VALUES (?, ?, ?, ?, ?, ?, 0, 0, 0, ?)
ON CONFLICT (courier, reference) DO UPDATE SET amount_minor = excluded.amount_minor,
  mode = excluded.mode WHERE state = excluded.state
"""
_MOVED = attrgetter(
    "state", "collected_minor", "remitted_minor", "remittance", "moved_at", "sequence"
)


def find(conn: sqlite3.Connection, courier: str, sequence: int) -> Parcel | None:
    row = conn.execute(_FIND, (sequence, courier)).fetchone()
    return Parcel(*row) if row else None


def by_reference(conn: sqlite3.Connection, courier: str, reference: str) -> Parcel | None:
    row = conn.execute(_BY_REFERENCE, (courier, reference)).fetchone()
    return Parcel(*row) if row else None


def announce(conn: sqlite3.Connection, courier: str, parcel: Announced, now: float) -> None:
    """Announcing it again updates the amount to collect, until the parcel is delivered."""
    conn.execute(
        _ANNOUNCE,
        (
            courier,
            parcel.reference,
            parcel.acknowledged_minor,
            parcel.currency,
            parcel.mode,
            State.TAKEN,
            now,
        ),
    )


def save(conn: sqlite3.Connection, parcel: Parcel) -> None:
    conn.execute(
        "UPDATE parcels SET state = ?, collected_minor = ?, remitted_minor = ?, remittance = ?, "
        "moved_at = ? WHERE sequence = ?",
        _MOVED(parcel),
    )


def move(conn: sqlite3.Connection, parcel: Parcel) -> None:
    """Changes its state, with an entry in the courier's log."""
    save(conn, parcel)
    conn.execute(
        "INSERT INTO movements (courier, tracking_number, reference, state, collected_minor, mode, moved_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            parcel.courier,
            parcel.tracking_number,
            parcel.reference,
            parcel.state,
            parcel.collected_minor,
            parcel.mode,
            parcel.moved_at,
        ),
    )


def movements(conn: sqlite3.Connection, courier: str, *, limit: int) -> list[Movement]:
    """In the order in which they happened."""
    return [Movement(*row) for row in conn.execute(_MOVEMENTS_OF, (courier, limit))]


def page(conn: sqlite3.Connection, courier: str, *, after: int, limit: int) -> list[Parcel]:
    return [Parcel(*row) for row in conn.execute(_PAGE, (courier, after, limit))]


def unpaid(conn: sqlite3.Connection, courier: str, state: str) -> list[Parcel]:
    """Parcels in that state that are in no remittance."""
    return [Parcel(*row) for row in conn.execute(_UNPAID, (courier, state))]


def insert_file(
    conn: sqlite3.Connection, courier: str, *, name: str, media_type: str, body: bytes
) -> int:
    cursor = conn.execute(
        "INSERT INTO remittances (courier, name, media_type, body) VALUES (?, ?, ?, ?)",
        (courier, name, media_type, body),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def file(conn: sqlite3.Connection, courier: str, number: int) -> tuple[str, str, bytes] | None:
    """Name, media type, body."""
    found: tuple[str, str, bytes] | None = conn.execute(
        "SELECT name, media_type, body FROM remittances WHERE courier = ? AND number = ?",
        (courier, number),
    ).fetchone()
    return found
