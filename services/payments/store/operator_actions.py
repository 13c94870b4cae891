"""SQL of operators' manual actions: added, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from services.payments.rules.by_hand import Found


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """`acted_at` is set by the database."""

    merchant_id: str
    id: str
    payment_id: str
    attempt_id: str
    outcome: Found
    operator: str
    note: str
    trace_id: str
    acted_at: datetime | None = None


_ACTIONS: Final = rows.Table("operator_actions", OperatorAction, sql={"acted_at": "acted_at"})
insert: Final = _ACTIONS.add


async def of_attempt(conn: Conn, merchant_id: str, attempt_id: str) -> OperatorAction | None:
    where = "WHERE merchant_id = $1 AND attempt_id = $2"
    return await _ACTIONS.one(conn, where, merchant_id, attempt_id)


async def newest(conn: Conn, merchant_id: str, limit: int) -> Sequence[OperatorAction]:
    """`merchant_id` "" for all merchants."""
    where = "WHERE $1 = '' OR merchant_id = $1 ORDER BY acted_at DESC LIMIT $2"
    return await _ACTIONS.all(conn, where, merchant_id, limit)
