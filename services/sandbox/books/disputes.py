"""Disputes: money that the shopper's bank takes back, for a while or for good."""

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


def insert(conn: sqlite3.Connection, dispute: Dispute) -> None:
    conn.execute(
        "INSERT INTO disputes (id, charge_id, account, amount_minor, state, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        dataclasses.astuple(dispute),
    )


def find(conn: sqlite3.Connection, dispute_id: str) -> Dispute | None:
    row = conn.execute(
        "SELECT id, charge_id, account, amount_minor, state, created_at FROM disputes WHERE id = ?",
        (dispute_id,),
    ).fetchone()
    return Dispute(*row) if row else None


def is_open(conn: sqlite3.Connection, charge_id: str) -> bool:
    row = conn.execute(
        "SELECT 1 FROM disputes WHERE charge_id = ? AND state = 'open'", (charge_id,)
    ).fetchone()
    return row is not None


def close(conn: sqlite3.Connection, dispute_id: str, state: str) -> None:
    conn.execute(
        "UPDATE disputes SET state = ? WHERE id = ? AND state = 'open'", (state, dispute_id)
    )
