"""Charges: the amounts really taken from shoppers. Audits compare with these rows."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from services.sandbox.psp import Charge

COLUMNS = ", ".join(field.name for field in dataclasses.fields(Charge))
_PLACES = ", ".join("?" for _ in dataclasses.fields(Charge))
_INSERT = f"INSERT INTO charges ({COLUMNS}) VALUES ({_PLACES})"  # noqa: S608  # our own names
_BY_ID = f"SELECT {COLUMNS} FROM charges WHERE id = ? AND account = ?"  # noqa: S608  # as above
_BY_CHALLENGE = f"SELECT {COLUMNS} FROM charges WHERE challenge = ?"  # noqa: S608  # as above
_DUE = f"SELECT {COLUMNS} FROM charges WHERE due_at <= ? ORDER BY due_at LIMIT 100"  # noqa: S608  # as above
_NEXT = "SELECT min(due_at) FROM charges WHERE due_at IS NOT NULL"  # served by the partial index
_ANY_ACCOUNT = f"SELECT {COLUMNS} FROM charges WHERE id = ?"  # noqa: S608  # as above
_SAVE = """
UPDATE charges SET state = ?, captured_minor = ?, refunded_minor = ?, disputed_minor = ?,
  decline_code = ?, due_at = ? WHERE id = ?
"""
BOOK_COLUMNS = (
    "account", "id", "key", "reference", "token", "amount_minor", "currency", "state",
    "captured_minor", "refunded_minor", "disputed_minor", "decline_code", "created_at",
)  # fmt: skip  # a table, not a call
_BOOK = ", ".join(BOOK_COLUMNS)
BOOK_FILTERS = ("account", "key", "reference", "state", "id")

_ROW = attrgetter(*(field.name for field in dataclasses.fields(Charge)))


def insert(conn: sqlite3.Connection, charge: Charge) -> None:
    conn.execute(_INSERT, _ROW(charge))


def save(conn: sqlite3.Connection, charge: Charge) -> None:
    conn.execute(
        _SAVE,
        (
            charge.state,
            charge.captured_minor,
            charge.refunded_minor,
            charge.disputed_minor,
            charge.decline_code,
            charge.due_at,
            charge.id,
        ),
    )


def find(conn: sqlite3.Connection, charge_id: str, *, account: str | None = None) -> Charge | None:
    if account is None:
        row = conn.execute(_ANY_ACCOUNT, (charge_id,)).fetchone()
    else:
        row = conn.execute(_BY_ID, (charge_id, account)).fetchone()
    return Charge(*row) if row else None


def find_by_challenge(conn: sqlite3.Connection, challenge: str) -> Charge | None:
    row = conn.execute(_BY_CHALLENGE, (challenge,)).fetchone()
    return Charge(*row) if row else None


def due(conn: sqlite3.Connection, now: float) -> list[Charge]:
    return [Charge(*row) for row in conn.execute(_DUE, (now,))]


def next_due_at(conn: sqlite3.Connection) -> float | None:
    due_at: float | None = conn.execute(_NEXT).fetchone()[0]
    return due_at


def page(
    conn: sqlite3.Connection, filters: dict[str, str], *, after: str, limit: int
) -> list[dict[str, Any]]:
    """Rows in id order (ids are time-ordered) after the id `after`."""
    where = "".join(f" AND {name} = ?" for name in filters)
    cursor = conn.execute(
        f"SELECT {_BOOK} FROM charges WHERE id > ?{where} ORDER BY id LIMIT ?",  # noqa: S608  # names from BOOK_FILTERS
        [after, *filters.values(), limit],
    )
    return [dict(zip(BOOK_COLUMNS, row, strict=True)) for row in cursor]


def latest(conn: sqlite3.Connection, *, before: str | None, limit: int) -> list[dict[str, Any]]:
    """The newest rows first, for people."""
    cursor = conn.execute(
        f"SELECT {_BOOK} FROM charges WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608  # our own names
        (before, before, limit),
    )
    return [dict(zip(BOOK_COLUMNS, row, strict=True)) for row in cursor]


def pages(conn: sqlite3.Connection, filters: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    after, size = "", 1000
    while rows := page(conn, filters, after=after, limit=size):
        yield rows
        after = rows[-1]["id"]


def totals(conn: sqlite3.Connection) -> list[dict[str, Any]]:
    """Per account and currency: number of charges, and amounts captured and refunded."""
    names = ("account", "currency", "charges", "authorised_minor", "captured_minor",
             "refunded_minor", "disputed_minor", "declined")  # fmt: skip  # a table
    cursor = conn.execute("""
        SELECT account, currency, count(*),
          sum(CASE WHEN state = 'authorised' THEN amount_minor ELSE 0 END),
          sum(captured_minor), sum(refunded_minor), sum(disputed_minor),
          sum(state = 'declined')
        FROM charges GROUP BY account, currency ORDER BY account, currency
    """)
    return [dict(zip(names, row, strict=True)) for row in cursor]
