"""Saved cards and single-use field tokens, with the behaviour of each. No card numbers."""

import dataclasses
import sqlite3
from dataclasses import dataclass

from services.sandbox.cards import Card


@dataclass(frozen=True, slots=True)
class Instrument:
    """The field order is the column order. `state`: single_use, ready or requires_action."""

    token: str
    account: str
    customer_reference: str | None
    magic: str
    brand: str
    last4: str
    country: str
    exp_month: int
    exp_year: int
    state: str
    challenge: str | None
    return_url: str | None
    created_at: float

    def card(self) -> Card:
        return Card(self.magic, self.brand, self.last4, self.country, self.exp_month, self.exp_year)


_COLUMNS = (
    "token, account, customer_reference, magic, brand, last4, country, exp_month, exp_year, "
    "state, challenge, return_url, created_at"
)
_FIND = f"SELECT {_COLUMNS} FROM instruments WHERE token = ? AND account = ?"  # noqa: S608  # our own names
_BY_CHALLENGE = f"SELECT {_COLUMNS} FROM instruments WHERE challenge = ?"  # noqa: S608  # as above
_INSERT = f"INSERT INTO instruments ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # as above


def find(conn: sqlite3.Connection, account: str, token: str) -> Instrument | None:
    row = conn.execute(_FIND, (token, account)).fetchone()
    return Instrument(*row) if row else None


def find_by_challenge(conn: sqlite3.Connection, challenge: str) -> Instrument | None:
    row = conn.execute(_BY_CHALLENGE, (challenge,)).fetchone()
    return Instrument(*row) if row else None


def insert(conn: sqlite3.Connection, instrument: Instrument) -> None:
    conn.execute(_INSERT, dataclasses.astuple(instrument))


def set_state(conn: sqlite3.Connection, token: str, state: str) -> None:
    conn.execute("UPDATE instruments SET state = ? WHERE token = ?", (state, token))


def delete(conn: sqlite3.Connection, account: str, token: str) -> bool:
    cursor = conn.execute(
        "DELETE FROM instruments WHERE token = ? AND account = ?", (token, account)
    )
    return cursor.rowcount == 1


def use_up(conn: sqlite3.Connection, token: str) -> None:
    """A field token works once; a saved card stays as it is."""
    conn.execute(
        "UPDATE instruments SET state = 'used' WHERE token = ? AND state = 'single_use'", (token,)
    )
