"""SQL of the merchants' settings, and of who has read the warning about a fee."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.fees import Fee
from services.cod.rules.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeAcknowledgement:
    """A row that stays: who has read the warning before which fee, and by whose key he said so."""

    merchant_id: str
    id: str
    acknowledged_by: str
    version: str
    fee: Fee
    actor: str
    trace_id: str
    acknowledged_at: datetime


FEE_ACKNOWLEDGEMENTS: Final = rows.Table("fee_acknowledgements", FeeAcknowledgement)
_SETTINGS: Final = rows.Table("settings", Settings)
_INSERT: Final = _SETTINGS.insert(merchant_id="{}") + " ON CONFLICT (merchant_id) DO NOTHING"
_SAVE: Final = (
    f"UPDATE settings SET {rows.assignments(_SETTINGS.columns, first=2)} WHERE merchant_id = $1"  # noqa: S608 - made of constants
)


async def get(conn: Conn, merchant_id: str, default: Settings) -> Settings:
    return await _SETTINGS.one(conn, "WHERE merchant_id = $1", merchant_id) or default


async def lock(conn: Conn, merchant_id: str, default: Settings) -> Settings:
    """The merchant's row, made with the defaults when there was none."""
    await conn.execute(_INSERT, *_SETTINGS.values(default), merchant_id)
    found = await _SETTINGS.one(conn, "WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)
    assert found is not None  # it was made where it was not
    return found


async def save(conn: Conn, merchant_id: str, settings: Settings) -> None:
    """Of a merchant whose row was locked in this transaction."""
    await conn.execute(_SAVE, merchant_id, *_SETTINGS.values(settings))
