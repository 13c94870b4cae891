"""Webhook events to be delivered; a delivered one is deleted."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    sequence: int
    account: str
    body: str
    copies: int
    attempts: int


def insert(conn: sqlite3.Connection, account: str, body: str, *, copies: int, due_at: float) -> int:
    cursor = conn.execute(
        "INSERT INTO events (account, body, copies, due_at) VALUES (?, ?, ?, ?)",
        (account, body, copies, due_at),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def find(conn: sqlite3.Connection, sequence: int) -> Event | None:
    row = conn.execute(
        "SELECT sequence, account, body, copies, attempts FROM events WHERE sequence = ?",
        (sequence,),
    ).fetchone()
    return Event(*row) if row else None


def waiting(conn: sqlite3.Connection) -> list[tuple[float, int]]:
    return [(row[0], row[1]) for row in conn.execute("SELECT due_at, sequence FROM events")]


def postpone(conn: sqlite3.Connection, sequence: int, due_at: float) -> None:
    conn.execute(
        "UPDATE events SET attempts = attempts + 1, due_at = ? WHERE sequence = ?",
        (due_at, sequence),
    )


def delete(conn: sqlite3.Connection, sequences: list[int]) -> None:
    conn.executemany(
        "DELETE FROM events WHERE sequence = ?", [(sequence,) for sequence in sequences]
    )
