"""SQL of bank files, and of the refunds that were ever in each."""

from collections.abc import Mapping, Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.orders import Order
from services.cod.rules.refund_exports import RefundExport
from services.cod.rules.refunds import Refund
from services.cod.store.orders import ORDERS

_STATES: Final = """
    coalesce((SELECT jsonb_object_agg(state, times) FROM (
        SELECT state, count(*) AS times FROM refunds
        WHERE refunds.merchant_id = refund_exports.merchant_id AND refunds.export_id = refund_exports.id
        GROUP BY state) AS of_file), '{}')"""
EXPORTS: Final = rows.Table("refund_exports", RefundExport, sql={"states": _STATES})


async def add_file(conn: Conn, export: RefundExport, sealed: str) -> None:
    await conn.execute(
        "INSERT INTO refund_files (merchant_id, export_id, sealed, created_at)"
        " VALUES ($1, $2, $3, $4)",
        export.merchant_id,
        export.id,
        sealed,
        export.created_at,
    )


async def file_of(conn: Conn, export: RefundExport) -> str | None:
    """The sealed file; None if it was deleted."""
    found: str | None = await conn.fetchval(
        "SELECT sealed FROM refund_files WHERE merchant_id = $1 AND export_id = $2",
        export.merchant_id,
        export.id,
    )
    return found


async def add_transfers(conn: Conn, export: RefundExport, refunds: Sequence[Refund]) -> None:
    """The database accepts a refund's n-th file only once."""
    await conn.execute(
        "INSERT INTO refund_transfers (merchant_id, export_id, refund_id, number)"
        " SELECT $1, $2, given.* FROM unnest($3::text[], $4::int[]) AS given",
        export.merchant_id,
        export.id,
        [refund.id for refund in refunds],
        [refund.exports for refund in refunds],
    )


async def orders_of(conn: Conn, merchant_id: str, refunds: Sequence[Refund]) -> Mapping[str, Order]:
    """The refunds' orders by id, in their current state."""
    ids = list({refund.cod_order_id for refund in refunds})
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[])"
    return {order.id: order for order in await ORDERS.all(conn, where, merchant_id, ids)}
