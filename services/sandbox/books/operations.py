"""Operations: one row per idempotency key, with its answer."""

import dataclasses
import sqlite3
from dataclasses import dataclass
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True)
class Operation:
    """`subject` is the charge (or the token of the instrument) that the operation changed."""

    account: str
    key: str
    kind: str
    body_hash: bytes
    id: str
    subject: str
    amount_minor: int | None
    state: str
    code: str | None
    status: int
    answer: str
    created_at: float


_COLUMNS = (
    "account, key, kind, body_hash, id, subject, amount_minor, state, code, status, answer, "
    "created_at"
)
_FIND = f"SELECT {_COLUMNS} FROM operations WHERE account = ? AND key = ?"  # noqa: S608  # our own names
_INSERT = f"INSERT INTO operations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # as above


_ROW = attrgetter(*(field.name for field in dataclasses.fields(Operation)))


def find(conn: sqlite3.Connection, account: str, key: str) -> Operation | None:
    row = conn.execute(_FIND, (account, key)).fetchone()
    return Operation(*row) if row else None


def find_by_id(conn: sqlite3.Connection, operation_id: str) -> Operation | None:
    """For people, who see ids; not indexed."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM operations WHERE id = ?",  # noqa: S608  # our own names
        (operation_id,),
    ).fetchone()
    return Operation(*row) if row else None


def fail(conn: sqlite3.Connection, refund: Operation) -> None:
    """Fails a refund that had succeeded; its stored answer does not change."""
    conn.execute(
        "UPDATE operations SET state = 'failed' WHERE account = ? AND key = ?",
        (refund.account, refund.key),
    )


def insert(conn: sqlite3.Connection, operation: Operation) -> None:
    conn.execute(_INSERT, _ROW(operation))


def for_charge(conn: sqlite3.Connection, account: str, charge_id: str) -> list[dict[str, Any]]:
    """For pages and audits; not indexed, since a single charge's operations are rarely
    requested.
    """
    names = ("kind", "key", "id", "state", "amount_minor", "code", "created_at")
    cursor = conn.execute(
        "SELECT kind, key, id, state, amount_minor, code, created_at FROM operations "
        "WHERE account = ? AND subject = ? ORDER BY created_at",
        (account, charge_id),
    )
    return [dict(zip(names, row, strict=True)) for row in cursor]
