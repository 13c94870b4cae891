"""Reads facts, dated in the merchant's zone, and merchants' zones from events."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo

from libs import time_zones
from libs.bus import Event
from libs.db import Conn
from libs.errors import ServiceUnavailable
from libs.merchants import Merchants
from services.reporting import fact_events, zone_events
from services.reporting.rules.facts import BookableEvent
from services.reporting.store import zones

ZoneOf: TypeAlias = Callable[[str], Awaitable[str]]  # a merchant's zone name, by merchant id


@dataclass(frozen=True, slots=True)
class Merchant:
    """The fields that reporting needs from merchants."""

    time_zone: str  # "" if it was created before zones existed


def zone_asker(merchants: Merchants[Merchant]) -> ZoneOf:
    """A ZoneOf that asks merchants; it raises RemoteRefusal, ServiceUnavailable."""

    async def zone_of(merchant_id: str) -> str:
        return (await merchants.get_current_of(merchant_id)).time_zone or time_zones.UTC

    return zone_of


async def ingest(conn: Conn, events: Sequence[Event], zone_of: ZoneOf) -> Sequence[BookableEvent]:
    """Stores zones and returns facts. Calls `zone_of` for merchants whose zone is unknown and passes
    on its errors, so that the events are redelivered.
    """
    await note_zones(conn, events)
    bookable = [event for event in events if event.subject in fact_events.SUBJECTS]
    known = await zones_of(conn, {event.merchant_id for event in bookable}, zone_of)
    return [fact_events.bookable_of(event, known[event.merchant_id]) for event in bookable]


async def note_zones(conn: Conn, events: Sequence[Event]) -> None:
    of_merchants = [event for event in events if event.subject in zone_events.SUBJECTS]
    if of_merchants:
        await zones.keep(conn, dict(map(zone_events.zone_of, of_merchants)))


async def zones_of(
    conn: Conn, merchant_ids: Collection[str], zone_of: ZoneOf
) -> Mapping[str, ZoneInfo]:
    """The zones by merchant. Passes on the errors of `zone_of`."""
    known = await zones.of(conn, merchant_ids)
    if unknown := sorted(set(merchant_ids) - known.keys()):
        await zones.keep(conn, {merchant_id: await zone_of(merchant_id) for merchant_id in unknown})
        known = await zones.of(conn, merchant_ids)
    return known


async def no_zone(merchant_id: str) -> str:
    """A ZoneOf for jobs, which read merchants' events first and so know all zones."""
    raise ServiceUnavailable
