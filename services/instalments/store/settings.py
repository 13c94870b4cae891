"""SQL of the merchants' settings."""

from typing import Final

from libs import rows
from libs.db import Conn
from services.instalments.rules.settings import DEFAULT, Settings

_LIMIT: Final = {"exposure_limit": "exposure_limit_minor exposure_limit_currency"}
_SETTINGS: Final = rows.Table("settings", Settings, columns=_LIMIT)
_INSERT: Final = _SETTINGS.insert(merchant_id="{}") + " ON CONFLICT (merchant_id) DO NOTHING"
_SAVE: Final = (
    f"UPDATE settings SET {rows.assignments(_SETTINGS.columns, first=2)} WHERE merchant_id = $1"  # noqa: S608 - made of constants
)


async def get(conn: Conn, merchant_id: str) -> Settings:
    return await _SETTINGS.one(conn, "WHERE merchant_id = $1", merchant_id) or DEFAULT


async def lock(conn: Conn, merchant_id: str) -> Settings:
    """The merchant's row, made with the defaults when there was none."""
    await conn.execute(_INSERT, *_SETTINGS.values(DEFAULT), merchant_id)
    found = await _SETTINGS.one(conn, "WHERE merchant_id = $1 FOR NO KEY UPDATE", merchant_id)
    assert found is not None  # it was made where it was not
    return found


async def save(conn: Conn, merchant_id: str, settings: Settings) -> None:
    """Of a merchant whose row was locked in this transaction."""
    await conn.execute(_SAVE, merchant_id, *_SETTINGS.values(settings))
