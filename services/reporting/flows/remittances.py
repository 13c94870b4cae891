"""Couriers' remittances as settlement lines, like those of PSPs."""

from collections.abc import Sequence

from libs.bus import Event
from libs.db import Conn
from services.reporting import courier_events
from services.reporting.flows import collecting, ingesting
from services.reporting.flows.ingesting import ZoneOf
from services.reporting.rules import periods
from services.reporting.store import books, settlements


async def keep(conn: Conn, events: Sequence[Event], zone_of: ZoneOf) -> None:
    """For any merchants, and idempotent. Passes on the errors of `zone_of`, so that the events are
    redelivered.
    """
    of_couriers = [event for event in events if event.subject in courier_events.SUBJECTS]
    if not of_couriers:
        return
    known = await ingesting.zones_of(conn, {event.merchant_id for event in of_couriers}, zone_of)
    found = [courier_events.line_of(event, known[event.merchant_id]) for event in of_couriers]
    lines = [line for line in found if line is not None]
    if lines:
        days = [line.happened_on for line in lines]
        months = sorted({periods.first_day(day) for day in days if periods.partitioned(day)})
        await books.make_partitions(conn, months)
        await settlements.add(conn, lines)
        await collecting.collect_courier_lines(conn, lines)
