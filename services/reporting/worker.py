"""The other door: events that tell of money, booked a batch at a time."""

from collections.abc import Sequence

from libs.bus import Event
from libs.consumer import Handler, Together
from libs.db import Conn
from services.reporting import fact_events
from services.reporting.flows import booking, hearing
from services.reporting.flows.hearing import ZoneOf


def handlers(zone_of: ZoneOf) -> dict[str, Handler]:
    """All are handled together: one transaction for a batch, and few statements."""

    async def book(conn: Conn, events: Sequence[Event]) -> None:
        await booking.book(conn, await hearing.heard(conn, events, zone_of))

    return dict.fromkeys((*fact_events.SUBJECTS, *fact_events.ZONES), Together(book))
