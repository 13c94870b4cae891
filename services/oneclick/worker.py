"""The other doors: events of payments, and rows that are due."""

from typing import Final

from incasso.payments.v1 import payments_pb2
from libs import context
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueWorker
from libs.payments import due as payments_due
from libs.payments import events as payments_events
from libs.payments.due import DueRow
from services.oneclick.deps import Deps
from services.oneclick.flows import attach, detach, follow
from services.oneclick.payments_client import METHOD, elsewhere_of
from services.oneclick.store import charges, due, history
from services.oneclick.store.due import DueSetup, Removal

SERVICE: Final = "oneclick"


def handlers() -> dict[str, Handler]:
    """What is done with each event of payments."""
    return payments_events.handlers(
        METHOD, follow.follow_payment, known=charges.known, others=_follow_elsewhere
    )


async def _follow_elsewhere(conn: Conn, payment: payments_pb2.Payment) -> None:
    if payment.instrument_id:
        await history.follow(conn, elsewhere_of(payment))


def charge_worker(deps: Deps) -> DueWorker[DueRow]:
    """Charges without an end."""

    async def settle(row: DueRow) -> None:
        await follow.settle_due(deps, row)

    return payments_due.worker(SERVICE, deps.db, table="charges", settle=settle)


def setup_worker(deps: Deps) -> DueWorker[DueSetup]:
    """Instruments whose setup has no end, or waits for a challenge."""

    async def work(row: DueSetup) -> None:
        context.act_for(SERVICE, row.merchant_id, row.clock_offset_seconds)
        await attach.settle_due(deps, row)

    return DueWorker("oneclick setups", deps.db, due.claim_due_setups, work)


def removal_worker(deps: Deps) -> DueWorker[Removal]:
    """Tokens that PSPs must forget."""

    async def work(removal: Removal) -> None:
        context.act_for(SERVICE, removal.merchant_id)
        await detach.remove_token(deps, removal)

    return DueWorker("oneclick removals", deps.db, due.claim_due_removals, work)
