"""SQL of settlement lines from events: many per statement."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn
from services.reporting.rules.lines import SettlementLine
from services.reporting.store.imports import SETTLEMENT_LINES

_DATES: Final = {"happened_on", "available_on", "payout_on"}
_COLUMNS: Final = ", ".join(SETTLEMENT_LINES.columns)


def _kind(column: str) -> str:
    if column in _DATES:
        return "date"
    if column == "created_at":
        return "timestamptz"
    return "bigint" if column.endswith("_minor") else "text"


_ARRAYS: Final = ", ".join(
    f"${number}::{_kind(column)}[]" for number, column in enumerate(SETTLEMENT_LINES.columns, 1)
)
_ADD: Final = (
    f"INSERT INTO settlement_lines ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest({_ARRAYS})"  # noqa: S608 - made of constants
    f" AS given ({_COLUMNS}) ON CONFLICT DO NOTHING"
)


async def add(conn: Conn, lines: Sequence[SettlementLine]) -> None:
    """Known lines stay unchanged."""
    await conn.execute(_ADD, *SETTLEMENT_LINES.arrays(lines))
