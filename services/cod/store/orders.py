"""SQL of orders and their parcels. Callers that change a parcel hold the lock of its order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from libs import rows
from libs.db import Conn, on_unique_violation
from libs.queues import held
from services.cod.errors import OrderExists
from services.cod.rules.orders import Before, Order
from services.cod.rules.parcels import Parcel
from services.cod.rules.states import GONE

_PARCELS: Final = """
    coalesce((SELECT jsonb_agg(to_jsonb(parcels) ORDER BY position) FROM parcels
    WHERE parcels.merchant_id = orders.merchant_id AND parcels.order_id = orders.id), '[]')"""
_SPREAD: Final = {"recipient": "recipient_", "address": "address_"}
ORDERS: Final = rows.Table("orders", Order, spread=_SPREAD, sql={"parcels": _PARCELS})
# For many orders: parcels are read as separate rows, which takes half as long as JSON.
_WITHOUT_PARCELS: Final = rows.Table("orders", Order, spread=_SPREAD, sql={"parcels": "NULL"})
PARCELS: Final = rows.Table("parcels", Parcel)
CHANGES: Final = rows.Table("order_changes", Before)
_GONE: Final = ", ".join(f"'{state.value}'" for state in GONE)
# References are looked up one by one, as in courier_events.py.
_LOCK_LIVE: Final = f"""
SELECT id FROM orders
WHERE merchant_id = $1 AND courier_id = $2 AND state NOT IN ({_GONE}) AND id = ANY(ARRAY(
    SELECT live.id FROM unnest($3::text[]) AS wanted (reference) CROSS JOIN LATERAL (
        SELECT id FROM orders
        WHERE merchant_id = $1 AND order_reference = wanted.reference AND state NOT IN ({_GONE}) LIMIT 1
    ) AS live
))
ORDER BY id FOR NO KEY UPDATE"""  # noqa: S608 - made of constants
_MUTABLE: Final = ORDERS.but("merchant_id", "id", "order_reference", "trace_id", "created_at")
_SAVE: Final = rows.assignments(_MUTABLE, first=3)
# Columns that may change once an order is with a courier, or accepted by one.
_MOVED: Final = {
    "merchant_id": "text",
    "id": "text",
    "state": "text",
    "collected_minor": "bigint",
    "acknowledged_minor": "bigint",
    "attempts": "int",
    "collected_at": "timestamptz",
    "remit_due_at": "timestamptz",
    "ended_at": "timestamptz",
}
_SAVE_MOVED: Final = f"""
UPDATE orders SET {", ".join(f"{column} = given.{column}" for column in list(_MOVED)[2:])}
FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_MOVED.values(), 1))})
    AS given ({", ".join(_MOVED)})
WHERE orders.merchant_id = given.merchant_id AND orders.id = given.id"""  # noqa: S608 - made of constants
_PARCEL_TYPES: Final = {
    "merchant_id": "text",
    "courier_id": "text",
    "tracking_number": "text",
    "order_id": "text",
    "position": "int",
    "state": "text",
    "to_collect_minor": "bigint",
    "collected_minor": "bigint",
    "collected_in": "text",
    "collected_at": "timestamptz",
    "last_event_at": "timestamptz",
}
_SAVE_PARCELS: Final = f"""
INSERT INTO parcels AS known ({", ".join(PARCELS.columns)})
SELECT * FROM unnest({
    ", ".join(f"${n}::{_PARCEL_TYPES[column]}[]" for n, column in enumerate(PARCELS.columns, 1))
})
ON CONFLICT (merchant_id, courier_id, tracking_number) DO UPDATE
SET {
    ", ".join(
        f"{column} = EXCLUDED.{column}"
        for column in PARCELS.but("merchant_id", "courier_id", "tracking_number", "order_id")
    )
}
WHERE known.order_id = EXCLUDED.order_id"""  # noqa: S608 - made of constants


async def insert(conn: Conn, order: Order) -> None:
    """Raises OrderExists."""
    with on_unique_violation(orders_live=OrderExists):
        await ORDERS.add(conn, order)


async def live(conn: Conn, merchant_id: str, order_reference: str) -> Order | None:
    where = f"WHERE merchant_id = $1 AND order_reference = $2 AND state NOT IN ({_GONE})"
    return await ORDERS.one(conn, where, merchant_id, order_reference)


async def lock(conn: Conn, merchant_id: str, order_id: str) -> Order | None:
    """The order, locked, with its parcels as of the lock."""
    await conn.execute(
        "SELECT FROM orders WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE",
        merchant_id,
        order_id,
    )
    return await ORDERS.get(conn, merchant_id, order_id)


async def lock_live(
    conn: Conn, merchant_id: str, courier_id: str, references: Sequence[str]
) -> Mapping[str, Order]:
    """The courier's live orders, by reference; locked as by `lock_of_parcels`."""
    found = await conn.fetch(_LOCK_LIVE, merchant_id, courier_id, list(references))
    orders = await of_ids(conn, merchant_id, [row["id"] for row in found])
    return {order.order_reference: order for order in orders}


async def lock_of_parcels(
    conn: Conn, merchant_id: str, courier_id: str, tracking_numbers: Sequence[str]
) -> Sequence[Order]:
    """The orders of the courier's parcels, locked in the common lock order."""
    found = await conn.fetch(
        "SELECT id FROM orders WHERE merchant_id = $1 AND id IN (SELECT order_id FROM parcels"
        " WHERE merchant_id = $1 AND courier_id = $2 AND tracking_number = ANY($3::text[]))"
        " ORDER BY id FOR NO KEY UPDATE",
        merchant_id,
        courier_id,
        list(tracking_numbers),
    )
    return await of_ids(conn, merchant_id, [row["id"] for row in found])


async def of_ids(conn: Conn, merchant_id: str, order_ids: Sequence[str]) -> Sequence[Order]:
    of_order: dict[str, list[Parcel]] = defaultdict(list)
    where = "WHERE merchant_id = $1 AND order_id = ANY($2::text[]) ORDER BY order_id, position"
    for parcel in await PARCELS.all(conn, where, merchant_id, list(order_ids)):
        of_order[parcel.order_id].append(parcel)
    where = "WHERE merchant_id = $1 AND id = ANY($2::text[]) ORDER BY id"
    return await _WITHOUT_PARCELS.all(
        conn,
        where,
        merchant_id,
        list(order_ids),
        parcels=lambda row: tuple(of_order.get(row["id"], ())),
    )


async def save(conn: Conn, order: Order) -> None:
    """Saves all changeable columns of an order locked in this transaction, without its
    parcels.
    """
    await ORDERS.change(conn, order, _SAVE, *ORDERS.values(order, *_MUTABLE))


async def save_moved(conn: Conn, orders: Sequence[Order]) -> None:
    """Saves what couriers change in orders locked in this transaction, with their parcels."""
    await save_states(conn, orders)
    await save_parcels(conn, orders)


async def save_states(conn: Conn, orders: Sequence[Order]) -> None:
    """The same, without their parcels."""
    if orders:
        await conn.execute(_SAVE_MOVED, *ORDERS.arrays(orders, *_MOVED))


async def save_parcels(conn: Conn, orders: Sequence[Order]) -> None:
    if orders:
        parcels = [parcel for order in orders for parcel in order.parcels]
        await conn.execute(_SAVE_PARCELS, *PARCELS.arrays(parcels))


async def remove_parcels(conn: Conn, merchant_id: str, order_ids: Sequence[str]) -> None:
    """Deletes parcels of orders locked in this transaction that are not with a courier yet."""
    await conn.execute(
        "DELETE FROM parcels WHERE merchant_id = $1 AND order_id = ANY($2::text[])",
        merchant_id,
        list(order_ids),
    )


async def owners(
    conn: Conn, merchant_id: str, courier_id: str, tracking_numbers: Sequence[str]
) -> Mapping[str, str]:
    """Ids of orders by tracking number of their parcels."""
    found = await conn.fetch(
        "SELECT tracking_number, order_id FROM parcels"
        " WHERE merchant_id = $1 AND courier_id = $2 AND tracking_number = ANY($3::text[])",
        merchant_id,
        courier_id,
        list(tracking_numbers),
    )
    return {row["tracking_number"]: row["order_id"] for row in found}


# Orders whose money should already have been passed on.
CLAIM_OVERDUE: Final = held("orders", at="remit_due_at", where="state = 'collected'")
# Orders that have waited too long for their recipients.
CLAIM_EXPIRED: Final = held("orders", at="expires_at", where="state IN ('proposed', 'confirmed')")
