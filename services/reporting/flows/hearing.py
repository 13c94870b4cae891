"""What events tell: facts, each with its day in the merchant's zone, and the zones of merchants."""

from collections.abc import Sequence

from libs.bus import Event
from libs.db import Conn
from libs.errors import ServiceUnavailable
from services.reporting import fact_events
from services.reporting.rules.facts import Told
from services.reporting.store import zones


async def heard(conn: Conn, events: Sequence[Event]) -> Sequence[Told]:
    """Zones are kept, facts answered. Raises ServiceUnavailable while the zone of one is not told: it comes
    again, however often.
    """
    of_merchants = [event for event in events if event.subject in fact_events.ZONES]
    if of_merchants:
        await zones.keep(conn, dict(map(fact_events.zone_of, of_merchants)))
    told = [event for event in events if event.subject in fact_events.SUBJECTS]
    known = await zones.of(conn, {event.merchant_id for event in told})
    if any(event.merchant_id not in known for event in told):
        raise ServiceUnavailable
    return [fact_events.told_of(event, known[event.merchant_id]) for event in told]
