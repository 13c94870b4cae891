"""The other doors: events of payments and of customers who are erased, and rows that are due."""

from functools import partial
from typing import Final

from incasso.oneclick.v1 import events_pb2
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueRow, DueWorker, worker
from libs.payments import due as payments_due
from libs.payments import events as payments_events
from libs.payments.answer import Answer
from services.instalments.deps import Deps
from services.instalments.flows import collecting, due, erase
from services.instalments.flows.due import DueParts
from services.instalments.payments_client import METHOD
from services.instalments.store import collections
from services.instalments.store import plans as store

SERVICE: Final = "instalments"
BATCHES: Final = 4  # at a time; each asks payments for all of its parts at once


def handlers(deps: Deps) -> dict[str, Handler]:
    """What is done with each event of payments, and of oneclick."""

    async def follow(conn: Conn, answer: Answer) -> None:
        await collecting.follow_payment(deps, conn, answer)

    return {
        **payments_events.handlers(METHOD, follow, known=collections.known),
        "incasso.oneclick.customer.erased": _customer_erased,
    }


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erase.erase_customer(conn, erased.customer_id)


def collection_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Collections without an end."""
    settle = partial(collecting.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="collections", settle=settle)


def plan_worker(deps: Deps) -> DueWorker[DueRow]:
    """Plans that nobody has signed in time, and those with parts that were missed for so long."""
    work = partial(due.look_at_plan, deps)
    return worker(SERVICE, "plans", deps.db, store.CLAIM, work)


def due_worker(deps: Deps) -> DueWorker[DueParts]:
    """Parts whose due date has come. As many payments are under way as there are places for parts."""
    return worker(
        SERVICE,
        "instalments",
        deps.db,
        store.CLAIM_PARTS,
        partial(due.collect_due, deps),
        kind=DueParts,
        concurrency=BATCHES,
        batch=store.MOST_AT_ONCE,
    )
