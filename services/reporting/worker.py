"""The other door: events that tell of money, booked a batch at a time."""

from collections.abc import Sequence

from libs.bus import Event
from libs.consumer import Handler, Together
from libs.db import Conn
from services.reporting import fact_events
from services.reporting.flows import booking, hearing


def handlers() -> dict[str, Handler]:
    """All are handled together: one transaction for a batch, and few statements."""
    return dict.fromkeys((*fact_events.SUBJECTS, *fact_events.ZONES), Together(_book))


async def _book(conn: Conn, events: Sequence[Event]) -> None:
    await booking.book(conn, await hearing.heard(conn, events))
