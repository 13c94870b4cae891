"""SQL of recipients who have not accepted parcels, known only by keyed hashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.db import Conn


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that the recipient behind the mark has not accepted."""

    order_id: str
    mark: bytes
    refused_at: datetime


async def add(conn: Conn, merchant_id: str, refused: Sequence[Refusal]) -> None:
    """An order counts once, whatever is reported about it later."""
    if not refused:
        return
    await conn.execute(
        "INSERT INTO refusals (merchant_id, order_id, mark, refused_at)"
        " SELECT $1, * FROM unnest($2::text[], $3::bytea[], $4::timestamptz[])"
        " ON CONFLICT DO NOTHING",
        merchant_id,
        [one.order_id for one in refused],
        [one.mark for one in refused],
        [one.refused_at for one in refused],
    )


async def remove(conn: Conn, merchant_id: str, order_ids: Sequence[str]) -> None:
    """Deletes refusals of orders that were accepted in the end."""
    if order_ids:
        await conn.execute(
            "DELETE FROM refusals WHERE merchant_id = $1 AND order_id = ANY($2::text[])",
            merchant_id,
            list(order_ids),
        )


async def count(conn: Conn, merchant_id: str, marks: Sequence[bytes], *, since: datetime) -> int:
    """Number of orders not accepted by a recipient with one of these marks."""
    found: int = await conn.fetchval(
        "SELECT count(DISTINCT order_id) FROM refusals"
        " WHERE merchant_id = $1 AND mark = ANY($2::bytea[]) AND refused_at >= $3",
        merchant_id,
        list(marks),
        since,
    )
    return found
