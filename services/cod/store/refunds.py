"""SQL of refunds of cash."""

from collections.abc import Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.refunds import Refund

REFUNDS: Final = rows.Table("refunds", Refund, spread={"account": "account_"})
_MUTABLE: Final = (
    "state", "account_sealed", "account_holder", "account_iban", "account_given_by", "failure", "exports",
    "metadata", "ended_at",
)  # fmt: skip  # a list of names
_SAVE: Final = rows.assignments(_MUTABLE, first=3)


async def save(conn: Conn, refund: Refund) -> None:
    """What may change of one that was locked in this transaction."""
    await REFUNDS.change(conn, refund, _SAVE, *REFUNDS.values(refund, *_MUTABLE))


async def lock_of_orders(
    conn: Conn, merchant_id: str, order_ids: Sequence[str]
) -> Sequence[Refund]:
    """All refunds of these orders, whose locks are held."""
    where = (
        "WHERE merchant_id = $1 AND cod_order_id = ANY($2::text[]) ORDER BY id FOR NO KEY UPDATE"
    )
    return await REFUNDS.all(conn, where, merchant_id, list(order_ids))
