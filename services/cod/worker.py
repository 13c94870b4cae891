"""The other doors: customers who are erased, and orders that are due."""

from functools import partial
from typing import Final

from incasso.oneclick.v1 import events_pb2
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueRow, DueWorker, worker
from services.cod.deps import Deps
from services.cod.flows import erase, overdue
from services.cod.store import orders

SERVICE: Final = "cod"


def handlers() -> dict[str, Handler]:
    """What is done with each event of oneclick."""
    return {"incasso.oneclick.customer.erased": _customer_erased}


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erase.erase_customer(conn, erased.customer_id, event.occurred_at)


def overdue_worker(deps: Deps) -> DueWorker[DueRow]:
    """Orders whose money a courier should have passed on by now."""
    work = partial(overdue.fall_due, deps)
    return worker(SERVICE, "overdue", deps.db, orders.CLAIM_OVERDUE, work)
