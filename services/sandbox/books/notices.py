"""Reports that the mail server and the SMS provider still have to send about a message."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notice:
    """When due, the message takes `state`. `headers` is a JSON object; without `url`, no report."""

    sequence: int
    message: str
    state: str
    url: str | None
    headers: str
    body: bytes
    attempts: int


def insert(
    conn: sqlite3.Connection,
    message: str,
    state: str,
    *,
    url: str | None,
    headers: str,
    body: bytes,
    due_at: float,
) -> None:
    conn.execute(
        "INSERT INTO notices (message, state, url, headers, body, due_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (message, state, url, headers, body, due_at),
    )


def due(conn: sqlite3.Connection, now: float, *, limit: int) -> list[Notice]:
    cursor = conn.execute(
        "SELECT sequence, message, state, url, headers, body, attempts FROM notices "
        "WHERE due_at <= ? ORDER BY due_at, sequence LIMIT ?",
        (now, limit),
    )
    return [Notice(*row) for row in cursor]


def next_due_at(conn: sqlite3.Connection) -> float | None:
    due_at: float | None = conn.execute("SELECT min(due_at) FROM notices").fetchone()[0]
    return due_at


def postpone(conn: sqlite3.Connection, sequence: int, due_at: float) -> None:
    conn.execute(
        "UPDATE notices SET attempts = attempts + 1, due_at = ? WHERE sequence = ?",
        (due_at, sequence),
    )


def delete(conn: sqlite3.Connection, sequence: int) -> None:
    conn.execute("DELETE FROM notices WHERE sequence = ?", (sequence,))
