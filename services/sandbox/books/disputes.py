"""Disputes: money that the shopper's bank takes back, temporarily or for good."""

import dataclasses
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dispute:
    """`state`: open, won or lost."""

    id: str
    charge_id: str
    account: str
    amount_minor: int
    state: str
    created_at: float
    updated_at: float


_COLUMNS = "id, charge_id, account, amount_minor, state, created_at, updated_at"


def insert(conn: sqlite3.Connection, dispute: Dispute) -> None:
    conn.execute(
        f"INSERT INTO disputes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # our own names
        dataclasses.astuple(dispute),
    )


def find(conn: sqlite3.Connection, dispute_id: str) -> Dispute | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM disputes WHERE id = ?",  # noqa: S608  # our own names
        (dispute_id,),
    ).fetchone()
    return Dispute(*row) if row else None


def is_open(conn: sqlite3.Connection, charge_id: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM disputes WHERE charge_id = ? AND state = 'open'", (charge_id,)
    ).fetchone()
    return row is not None


def of_charge(conn: sqlite3.Connection, charge_id: str) -> list[Dispute]:
    cursor = conn.execute(
        f"SELECT {_COLUMNS} FROM disputes WHERE charge_id = ? ORDER BY created_at",  # noqa: S608  # our own names
        (charge_id,),
    )
    return [Dispute(*row) for row in cursor]


def save(conn: sqlite3.Connection, dispute: Dispute) -> None:
    conn.execute(
        "UPDATE disputes SET state = ?, amount_minor = ?, updated_at = ? WHERE id = ?",
        (dispute.state, dispute.amount_minor, dispute.updated_at, dispute.id),
    )
