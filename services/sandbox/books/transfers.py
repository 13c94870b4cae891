"""Credit transfers that the bank executed: each credits the account that it names."""

import dataclasses
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Transfer:
    """`reference` is structured (RF), `text` free; at most one of them is set."""

    iban: str
    bic: str | None
    name: str
    amount_minor: int
    currency: str
    reference: str | None
    text: str | None
    purpose: str | None
    debtor_name: str
    booked_at: float


@dataclass(frozen=True, slots=True)
class Credit:
    sequence: int
    transfer: Transfer

    @property
    def bank_reference(self) -> str:
        """As printed on a statement: day and running number."""
        day = datetime.fromtimestamp(self.transfer.booked_at, UTC)
        return f"TRN{day:%Y%m%d}{self.sequence:08d}"


_COLUMNS = ", ".join(field.name for field in dataclasses.fields(Transfer))
_ROW = attrgetter(*(field.name for field in dataclasses.fields(Transfer)))
_INSERT = f"INSERT INTO transfers ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # our own names
_AFTER = f"""
SELECT sequence, {_COLUMNS} FROM transfers
WHERE iban = ? AND sequence > ? ORDER BY sequence LIMIT ?
"""  # noqa: S608  # as above
_LATEST = f"SELECT sequence, {_COLUMNS} FROM transfers ORDER BY sequence DESC LIMIT ?"  # noqa: S608  # as above


def insert(conn: sqlite3.Connection, transfer: Transfer) -> Credit:
    sequence = conn.execute(_INSERT, _ROW(transfer)).lastrowid
    assert sequence is not None
    return Credit(sequence, transfer)


def page(conn: sqlite3.Connection, iban: str, *, after: int, limit: int) -> list[Credit]:
    cursor = conn.execute(_AFTER, (iban, after, limit))
    return [Credit(row[0], Transfer(*row[1:])) for row in cursor]


def all_of(conn: sqlite3.Connection, iban: str, *, most: int) -> list[Credit]:
    return page(conn, iban, after=0, limit=most)


def latest(conn: sqlite3.Connection, *, limit: int) -> list[Credit]:
    return [Credit(row[0], Transfer(*row[1:])) for row in conn.execute(_LATEST, (limit,))]


def count(conn: sqlite3.Connection) -> int:
    return int(conn.execute("SELECT count(*) FROM transfers").fetchone()[0])
