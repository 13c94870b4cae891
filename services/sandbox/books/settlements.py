"""Settlement lines and their payouts. A line is reported once it is paid out, so the line number is
a cursor that never skips one.
"""

import sqlite3
from typing import Any

LINE_COLUMNS = (
    "line", "charge_id", "key", "kind", "gross_minor", "fee_minor", "currency", "payout_id",
    "available_on",
)  # fmt: skip  # a table, not a call


def insert(
    conn: sqlite3.Connection, *, account: str, charge_id: str, key: str, kind: str,
    gross_minor: int, fee_minor: int, currency: str, now: float,
) -> None:  # fmt: skip  # one argument per line says nothing here
    conn.execute(
        "INSERT INTO settlement_lines (account, charge_id, key, kind, gross_minor, fee_minor, "
        "currency, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (account, charge_id, key, kind, gross_minor, fee_minor, currency, now),
    )


def unpaid(
    conn: sqlite3.Connection, *, account: str | None, before: float
) -> list[tuple[str, str, int, int]]:
    """(account, currency, net_minor, lines) of a payout made now."""
    cursor = conn.execute(
        "SELECT account, currency, sum(gross_minor - fee_minor), count(*) FROM settlement_lines "
        "WHERE payout_id IS NULL AND created_at < ? AND (account = ? OR ? IS NULL) "
        "GROUP BY account, currency",
        (before, account, account),
    )
    return cursor.fetchall()


def pay_out(
    conn: sqlite3.Connection, *, account: str, currency: str, before: float, payout_id: str,
    available_on: str,
) -> None:  # fmt: skip  # one argument per line says nothing here
    conn.execute(
        "UPDATE settlement_lines SET payout_id = ?, available_on = ? "
        "WHERE payout_id IS NULL AND account = ? AND currency = ? AND created_at < ?",
        (payout_id, available_on, account, currency, before),
    )


def page(conn: sqlite3.Connection, account: str, *, after: int, limit: int) -> list[dict[str, Any]]:
    cursor = conn.execute(
        f"SELECT {', '.join(LINE_COLUMNS)} FROM settlement_lines "  # noqa: S608  # our own names
        "WHERE account = ? AND payout_id IS NOT NULL AND line > ? ORDER BY line LIMIT ?",
        (account, after, limit),
    )
    return [dict(zip(LINE_COLUMNS, row, strict=True)) for row in cursor]


def report(conn: sqlite3.Connection, account: str, *, most: int) -> list[tuple[Any, ...]]:
    """(line, charge, key, kind, the shop's reference, gross, fee, currency, payout, available,
    created) of the lines paid out.
    """
    cursor = conn.execute(
        "SELECT l.line, l.charge_id, l.key, l.kind, coalesce(c.reference, ''), l.gross_minor, l.fee_minor, "
        "l.currency, l.payout_id, l.available_on, l.created_at "
        "FROM settlement_lines l LEFT JOIN charges c ON c.id = l.charge_id "
        "WHERE l.account = ? AND l.payout_id IS NOT NULL ORDER BY l.line LIMIT ?",
        (account, most),
    )
    return cursor.fetchall()


def payouts(conn: sqlite3.Connection, account: str, currency: str) -> list[tuple[str, str, int]]:
    """(payout, day on which it is available, net)."""
    cursor = conn.execute(
        "SELECT payout_id, available_on, sum(gross_minor - fee_minor) FROM settlement_lines "
        "WHERE account = ? AND currency = ? AND payout_id IS NOT NULL "
        "GROUP BY payout_id, available_on ORDER BY available_on, payout_id",
        (account, currency),
    )
    return cursor.fetchall()
