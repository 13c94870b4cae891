"""SQL of cash refunds."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.refunds import Refund

REFUNDS: Final = rows.Table("refunds", Refund, spread={"account": "account_"})
_MUTABLE: Final = (
    "state", "account_sealed", "account_holder", "account_iban", "account_given_by", "failure", "exports",
    "export_id", "metadata", "ended_at",
)  # fmt: skip  # a list of names
_SAVE: Final = rows.assignments(_MUTABLE, first=3)

_OF_FILES: Final = {
    "merchant_id": "text",
    "id": "text",
    "state": "text",
    "account_sealed": "text",
    "account_holder": "text",
    "account_iban": "text",
    "account_given_by": "text",
    "failure": "text",
    "exports": "int",
    "export_id": "text",
    "ended_at": "timestamptz",
}
_SAVE_ALL: Final = f"""
UPDATE refunds SET {", ".join(f"{column} = given.{column}" for column in list(_OF_FILES)[2:])}
FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_OF_FILES.values(), 1))})
    AS given ({", ".join(_OF_FILES)})
WHERE refunds.merchant_id = given.merchant_id AND refunds.id = given.id"""  # noqa: S608 - made of constants


async def save(conn: Conn, refund: Refund) -> None:
    """Saves the changeable columns of a refund locked in this transaction."""
    await REFUNDS.change(conn, refund, _SAVE, *REFUNDS.values(refund, *_MUTABLE))


async def save_all(conn: Conn, refunds: Sequence[Refund]) -> None:
    """Saves the columns that files and banks change, of refunds locked in this transaction."""
    await conn.execute(_SAVE_ALL, *REFUNDS.arrays(refunds, *_OF_FILES))


async def take_ready(conn: Conn, merchant_id: str, most: int) -> Sequence[Refund]:
    """Ready refunds, locked, oldest first; skips those locked by another file or change."""
    where = "WHERE merchant_id = $1 AND state = 'ready' ORDER BY id LIMIT $2"
    return await REFUNDS.all(conn, f"{where} FOR NO KEY UPDATE SKIP LOCKED", merchant_id, most)


async def lock_of_export(conn: Conn, merchant_id: str, export_id: str) -> Sequence[Refund]:
    """All refunds that were ever in a file, locked."""
    where = (
        "WHERE merchant_id = $1 AND id IN (SELECT refund_id FROM refund_transfers"
        " WHERE merchant_id = $1 AND export_id = $2) ORDER BY id FOR NO KEY UPDATE"
    )
    return await REFUNDS.all(conn, where, merchant_id, export_id)


async def lock_of_orders(
    conn: Conn, merchant_id: str, order_ids: Sequence[str]
) -> Sequence[Refund]:
    """All refunds of these orders, whose locks are held."""
    where = (
        "WHERE merchant_id = $1 AND cod_order_id = ANY($2::text[]) ORDER BY id FOR NO KEY UPDATE"
    )
    return await REFUNDS.all(conn, where, merchant_id, list(order_ids))


async def of_order(conn: Conn, merchant_id: str, order_id: str, *, most: int) -> Sequence[Refund]:
    """The order's refunds, newest first, without cancelled ones."""
    where = "WHERE merchant_id = $1 AND cod_order_id = $2 AND state <> 'cancelled'"
    return await REFUNDS.all(
        conn, f"{where} ORDER BY id DESC LIMIT $3", merchant_id, order_id, most
    )
