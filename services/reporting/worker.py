"""The other doors: events that tell of money, booked a batch at a time, and rows that are due."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from libs.bus import Event
from libs.consumer import Handler, Together
from libs.db import Conn
from libs.due import DueWorker
from libs.payments import due
from libs.payments.due import DueRow
from services.reporting import courier_events, fact_events
from services.reporting.deps import Deps
from services.reporting.flows import booking, hearing, link_transfers, remittances
from services.reporting.flows.hearing import ZoneOf

SERVICE: Final = "reporting"
_HEARD: Final = {*fact_events.SUBJECTS, *fact_events.ZONES, *courier_events.SUBJECTS}


def handlers(zone_of: ZoneOf) -> dict[str, Handler]:
    """All are handled together: one transaction for a batch, and few statements."""

    async def keep(conn: Conn, events: Sequence[Event]) -> None:
        await booking.book(conn, await hearing.heard(conn, events, zone_of))
        await remittances.keep(conn, events, zone_of)

    return dict.fromkeys(_HEARD, Together(keep))


def link_transfer_worker(deps: Deps) -> DueWorker[DueRow]:
    """Bank lines that paylink is to be told of. It is asked less and less often."""
    tell = partial(link_transfers.report, deps)
    return due.worker(SERVICE, deps.db, table="link_transfers", settle=tell)
