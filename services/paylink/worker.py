"""Entry points besides gRPC: events of payments, instalments and oneclick, and due rows."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from incasso.instalments.v1 import events_pb2 as plan_events
from incasso.oneclick.v1 import events_pb2 as oneclick_events
from libs import clock, gauges
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueRow, DueWorker, worker
from libs.payments import due as payments_due
from libs.payments import events as payments_events
from libs.payments.answer import Answer
from services.paylink import metrics
from services.paylink.deps import Deps
from services.paylink.flows import carts, erase, follow, plan
from services.paylink.flows import due as due_flow
from services.paylink.instalments_client import plan_answer
from services.paylink.payments_client import METHOD
from services.paylink.rules.carts import ASK_AGAIN_AFTER
from services.paylink.store import due, payments
from services.paylink.store.carts import CLAIM_DUE

SERVICE: Final = "paylink"
# The events that decide whether a link is paid.
PLAN_EVENTS: Final[Mapping[str, Any]] = {
    f"incasso.instalments.plan.{verb}": kind
    for verb, kind in {
        "activated": plan_events.PlanActivated,
        "completed": plan_events.PlanCompleted,
        "defaulted": plan_events.PlanDefaulted,
        "withdrawn": plan_events.PlanWithdrawn,
        "written_off": plan_events.PlanWrittenOff,
        "refused": plan_events.PlanRefused,
        "cancelled": plan_events.PlanCancelled,
        "expired": plan_events.PlanExpired,
    }.items()
}


def handlers(deps: Deps) -> dict[str, Handler]:
    """The handlers for events of payments, for ends of plans and for oneclick's erasures."""

    async def on_payment(conn: Conn, answer: Answer) -> None:
        await clock.act_for(conn, SERVICE)
        await follow.follow_payment(deps, conn, answer)

    async def on_plan(conn: Conn, event: Event) -> None:
        await clock.act_for(conn, SERVICE)
        message = PLAN_EVENTS[event.subject].FromString(event.body)
        await plan.follow_plan(deps, conn, event.merchant_id, plan_answer(message.plan))

    async def on_erased(conn: Conn, event: Event) -> None:
        erased = oneclick_events.CustomerErased.FromString(event.body)
        await erase.erase_customer(conn, erased.customer_id)

    return {
        **payments_events.handlers(METHOD, on_payment, known=payments.known, without="lowered"),
        **dict.fromkeys(PLAN_EVENTS, on_plan),
        "incasso.oneclick.customer.erased": on_erased,
    }


def link_worker(deps: Deps) -> DueWorker[DueRow]:
    """Reminders and expiries."""
    work = partial(due_flow.process_due, deps)
    return worker(SERVICE, "links", deps.db, due.CLAIM_LINKS, work)


def cart_worker(deps: Deps) -> DueWorker[DueRow]:
    """Automatic recoveries."""
    work = partial(carts.recover_due, deps)
    return worker(SERVICE, "carts", deps.db, CLAIM_DUE, work, ASK_AGAIN_AFTER)


def payment_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Unfinished payment attempts."""
    settle = partial(follow.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="link_payments", settle=settle)


async def watch_unanswered(deps: Deps) -> None:
    """Updates the gauge of unanswered attempts."""

    async def read(conn: Conn) -> None:
        metrics.OLDEST_UNANSWERED.set((await due.oldest_unanswered(conn)).total_seconds())

    await gauges.keep(deps.db, read)
