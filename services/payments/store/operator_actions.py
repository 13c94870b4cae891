"""What operators did by hand: added, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.db import Conn, Row
from services.payments.rules.by_hand import Found


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """`acted_at` is set by the database."""

    merchant_id: str
    id: str
    payment_id: str
    attempt_id: str
    found: Found
    operator: str
    note: str
    trace_id: str
    acted_at: datetime | None = None


_INSERT: Final = """
INSERT INTO operator_actions (merchant_id, id, payment_id, attempt_id, outcome, operator, note,
    trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"""


async def insert(conn: Conn, action: OperatorAction) -> None:
    await conn.execute(
        _INSERT,
        action.merchant_id,
        action.id,
        action.payment_id,
        action.attempt_id,
        action.found.value,
        action.operator,
        action.note,
        action.trace_id,
    )


async def of_attempt(conn: Conn, merchant_id: str, attempt_id: str) -> OperatorAction | None:
    row = await conn.fetchrow(
        "SELECT * FROM operator_actions WHERE merchant_id = $1 AND attempt_id = $2",
        merchant_id,
        attempt_id,
    )
    return _action_of(row) if row else None


async def newest(conn: Conn, merchant_id: str, limit: int) -> Sequence[OperatorAction]:
    """`merchant_id` "" for all merchants."""
    rows = await conn.fetch(
        "SELECT * FROM operator_actions WHERE $1 = '' OR merchant_id = $1"
        " ORDER BY acted_at DESC LIMIT $2",
        merchant_id,
        limit,
    )
    return [_action_of(row) for row in rows]


def _action_of(row: Row) -> OperatorAction:
    return OperatorAction(
        merchant_id=row["merchant_id"],
        id=row["id"],
        payment_id=row["payment_id"],
        attempt_id=row["attempt_id"],
        found=Found(row["outcome"]),
        operator=row["operator"],
        note=row["note"],
        trace_id=row["trace_id"],
        acted_at=row["acted_at"],
    )
