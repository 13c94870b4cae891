"""Entry points besides gRPC: events of payments, and due rows."""

from functools import partial
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueWorker, worker
from libs.payments import due as payments_due
from libs.payments import events as payments_events
from libs.payments.due import DueRow
from services.oneclick.deps import Deps
from services.oneclick.flows import attach, follow
from services.oneclick.flows.instruments import remove_token
from services.oneclick.payments_client import METHOD, other_method_payment_of
from services.oneclick.store import charges, history, instruments
from services.oneclick.store.instruments import Removal

SERVICE: Final = "oneclick"


def handlers() -> dict[str, Handler]:
    """The handlers for events of payments."""
    return payments_events.handlers(
        METHOD, follow.follow_payment, known=charges.known, others=_follow_elsewhere
    )


async def _follow_elsewhere(conn: Conn, payment: payments_pb2.Payment) -> None:
    if payment.instrument_id:
        await history.follow(conn, other_method_payment_of(payment))


def charge_worker(deps: Deps) -> DueWorker[DueRow]:
    """Unfinished charges."""
    settle = partial(follow.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="charges", settle=settle)


def setup_worker(deps: Deps) -> DueWorker[DueRow]:
    """Instruments whose setup is unfinished, or waits for a challenge."""
    settle = partial(attach.settle_due, deps)
    pause = instruments.CHALLENGE_PAUSE
    return payments_due.worker(SERVICE, deps.db, table="instruments", settle=settle, pause=pause)


def removal_worker(deps: Deps) -> DueWorker[Removal]:
    """Tokens to delete at PSPs."""
    work, claim = partial(remove_token, deps), instruments.CLAIM_REMOVALS
    return worker(SERVICE, "removals", deps.db, claim, work, kind=Removal)
