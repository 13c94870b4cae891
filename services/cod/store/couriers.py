"""SQL of couriers."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.couriers import Courier

COURIERS: Final = rows.Table("couriers", Courier)
_MUTABLE: Final = COURIERS.but("merchant_id", "id", "created_at")
_SAVE: Final = rows.assignments(_MUTABLE, first=3)


async def save(conn: Conn, courier: Courier) -> None:
    """The changeable columns of an active courier that was locked in this transaction."""
    values = COURIERS.values(courier, *_MUTABLE)
    await COURIERS.change(conn, courier, _SAVE, *values, only="state = 'active'")


async def active(conn: Conn, merchant_id: str) -> Sequence[Courier]:
    """Active couriers, in order of creation."""
    where = "WHERE merchant_id = $1 AND state = 'active' ORDER BY id"
    return await COURIERS.all(conn, where, merchant_id)


async def count_active(conn: Conn, merchant_id: str) -> int:
    return await COURIERS.count(conn, "WHERE merchant_id = $1 AND state = 'active'", merchant_id)
