"""Settlement lines and their payouts. A line is reported once it is paid out, so the line number is
a cursor that never skips one.
"""

import dataclasses
import sqlite3
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from services.sandbox.wrong_payouts import Changes, Settled

LINE_COLUMNS = (
    "line", "charge_id", "key", "kind", "gross_minor", "fee_minor", "currency", "payout_id",
    "available_on", "created_at",
)  # fmt: skip  # a table, not a call
_SETTLED = tuple(field.name for field in dataclasses.fields(Settled))
_CHANGED = _SETTLED[1:]  # all but the line
_ROW = attrgetter(*_CHANGED)


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
) -> list[tuple[str, str]]:
    """(account, currency) of the payouts that are due."""
    cursor = conn.execute(
        "SELECT DISTINCT account, currency FROM settlement_lines "
        "WHERE payout_id IS NULL AND created_at < ? AND (account = ? OR ? IS NULL) "
        "ORDER BY account, currency",
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
    """Lines with the shop's reference of their charge."""
    cursor = conn.execute(
        f"SELECT {', '.join(f'l.{name}' for name in LINE_COLUMNS)}, coalesce(c.reference, '') "  # noqa: S608  # our own names
        "FROM settlement_lines l LEFT JOIN charges c ON c.id = l.charge_id "
        "WHERE l.account = ? AND l.payout_id IS NOT NULL AND l.line > ? ORDER BY l.line LIMIT ?",
        (account, after, limit),
    )
    return [dict(zip((*LINE_COLUMNS, "reference"), row, strict=True)) for row in cursor]


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


def totals(conn: sqlite3.Connection, payout_ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """(payout, account, currency, net, lines, day on which it is available) of these payouts."""
    marks = ", ".join("?" * len(payout_ids))
    sql = f"""
SELECT payout_id, account, currency, sum(gross_minor - fee_minor), count(*), available_on
FROM settlement_lines WHERE payout_id IN ({marks})
GROUP BY payout_id, account, currency, available_on ORDER BY min(line)
"""  # noqa: S608  # only marks
    cursor = conn.execute(sql, payout_ids)
    return cursor.fetchall()


def of_payouts(conn: sqlite3.Connection, payout_ids: Sequence[str]) -> list[Settled]:
    marks = ", ".join("?" * len(payout_ids))
    cursor = conn.execute(
        f"SELECT {', '.join(_SETTLED)} FROM settlement_lines "  # noqa: S608  # our own names
        f"WHERE payout_id IN ({marks}) ORDER BY line",
        payout_ids,
    )
    return [Settled(*row) for row in cursor]


def change(conn: sqlite3.Connection, changes: Changes) -> None:
    forgotten = [(line,) for line in changes.forgotten]
    conn.executemany("DELETE FROM settlement_lines WHERE line = ?", forgotten)
    conn.executemany(
        f"UPDATE settlement_lines SET {', '.join(f'{name} = ?' for name in _CHANGED)} WHERE line = ?",  # noqa: S608  # our own names
        [(*_ROW(each), each.line) for each in changes.changed],
    )
    conn.executemany(
        f"INSERT INTO settlement_lines ({', '.join(_CHANGED)}) "  # noqa: S608  # our own names
        f"VALUES ({', '.join('?' * len(_CHANGED))})",
        [_ROW(each) for each in changes.added],
    )
