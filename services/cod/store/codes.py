"""SQL of one-time codes. Callers hold the lock of the order."""

from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.codes import Code

CODES: Final = rows.Table("codes", Code)
_WHERE: Final = "WHERE merchant_id = $1 AND order_id = $2"
_KEY: Final = ("merchant_id", "order_id")
_SAVE: Final = f"{CODES.insert()} ON CONFLICT (merchant_id, order_id) DO UPDATE SET " + ", ".join(
    f"{column} = EXCLUDED.{column}" for column in CODES.but(*_KEY)
)


async def get(conn: Conn, merchant_id: str, order_id: str) -> Code | None:
    return await CODES.one(conn, _WHERE, merchant_id, order_id)


async def save(conn: Conn, code: Code) -> None:
    await conn.execute(_SAVE, *CODES.values(code))
