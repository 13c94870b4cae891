"""SQL of couriers' events."""

from collections.abc import Mapping, Sequence
from typing import Final

from libs import rows
from libs.db import Conn
from services.cod.rules.courier_events import CourierEvent, Outcome

COURIER_EVENTS: Final = rows.Table(
    "courier_events", CourierEvent, sql={"is_exception": "is_exception"}
)
# Looked up one by one: without statistics, which a table that has just grown lacks, PostgreSQL
# would read everything the courier has ever reported for a list of several hundred.
_KNOWN: Final = rows.Table(
    """unnest($3::text[]) AS wanted (wanted_id) CROSS JOIN LATERAL (
SELECT * FROM courier_events
WHERE merchant_id = $1 AND courier_id = $2 AND event_id = wanted.wanted_id LIMIT 1) AS known""",
    CourierEvent,
    sql={"is_exception": "is_exception"},
)
_OF_PARCELS: Final = rows.Table(
    """unnest($3::text[]) AS wanted (wanted_number) CROSS JOIN LATERAL (
SELECT * FROM courier_events
WHERE merchant_id = $1 AND courier_id = $2 AND tracking_number = wanted.wanted_number OFFSET 0) AS known""",
    CourierEvent,
    sql={"is_exception": "is_exception"},
)
_RESOLVED: Final = ("resolution", "resolved_by", "resolved_at")
_TYPES: Final = {
    "merchant_id": "text",
    "id": "text",
    "courier_id": "text",
    "event_id": "text",
    "tracking_number": "text",
    "kind": "text",
    "occurred_at": "timestamptz",
    "amount_minor": "bigint",
    "mode": "text",
    "cod_order_id": "text",
    "outcome": "text",
    "exception": "text",
    "received_at": "timestamptz",
    "resolution": "text",
    "resolved_by": "text",
    "resolved_at": "timestamptz",
}
# A waiting event gets its result later.
_SAVE: Final = f"""
INSERT INTO courier_events ({", ".join(COURIER_EVENTS.columns)})
SELECT * FROM unnest({
    ", ".join(f"${n}::{_TYPES[column]}[]" for n, column in enumerate(COURIER_EVENTS.columns, 1))
})
ON CONFLICT (merchant_id, id) DO UPDATE
SET cod_order_id = EXCLUDED.cod_order_id, outcome = EXCLUDED.outcome, exception = EXCLUDED.exception"""  # noqa: S608 - made of constants


async def known(
    conn: Conn, merchant_id: str, courier_id: str, event_ids: Sequence[str]
) -> Mapping[str, CourierEvent]:
    """Events that the courier has already reported, by its own id."""
    found = await _KNOWN.all(conn, "", merchant_id, courier_id, list(event_ids))
    return {event.event_id: event for event in found}


async def waiting(
    conn: Conn, merchant_id: str, courier_id: str, tracking_numbers: Sequence[str]
) -> Sequence[CourierEvent]:
    """Events reported about these parcels before their order was dispatched, by day."""
    where = f"WHERE outcome = '{Outcome.WAITING.value}' ORDER BY occurred_at, id"
    return await _OF_PARCELS.all(conn, where, merchant_id, courier_id, list(tracking_numbers))


async def resolve(conn: Conn, event: CourierEvent) -> None:
    """Saves the resolution of an event locked in this transaction."""
    changes = rows.assignments(_RESOLVED, first=3)
    values = COURIER_EVENTS.values(event, *_RESOLVED)
    await COURIER_EVENTS.change(conn, event, changes, *values)


async def save(conn: Conn, events: Sequence[CourierEvent]) -> None:
    if events:
        await conn.execute(_SAVE, *COURIER_EVENTS.arrays(events))
