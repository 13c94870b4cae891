"""How far ahead of real time a PSP account, a bank account or a courier is, for a test merchant
whose clock was advanced. Settlements, bookings and deliveries follow it; webhooks do not.
"""

import sqlite3
import time
from datetime import UTC, datetime


def now(conn: sqlite3.Connection, name: str) -> float:
    """`name`: the PSP account, the bank account's IBAN, or the courier."""
    row = conn.execute("SELECT ahead_seconds FROM clocks WHERE name = ?", (name,)).fetchone()
    return time.time() + (row[0] if row else 0)


def moment(conn: sqlite3.Connection, name: str) -> datetime:
    return datetime.fromtimestamp(now(conn, name), UTC)


def advance_to(conn: sqlite3.Connection, name: str, ahead_seconds: int) -> None:
    """A clock never goes back."""
    conn.execute(
        "INSERT INTO clocks (name, ahead_seconds) VALUES (?, ?) ON CONFLICT (name) DO UPDATE "
        "SET ahead_seconds = max(ahead_seconds, excluded.ahead_seconds)",
        (name, ahead_seconds),
    )
