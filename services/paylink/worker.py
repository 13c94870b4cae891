"""The other doors: events of payments and oneclick, and rows that are due."""

import asyncio
from typing import Any, Final

from incasso.oneclick.v1 import events_pb2 as oneclick_events
from incasso.payments.v1 import events_pb2
from libs import context
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueWorker
from libs.errors import Refusal
from libs.logs import log
from services.paylink import metrics
from services.paylink.deps import Deps
from services.paylink.flows import carts, erase, follow
from services.paylink.flows import due as due_flow
from services.paylink.payments_client import METHOD, answer_of
from services.paylink.store import due, tokens
from services.paylink.store.carts import DueCart, claim_due
from services.paylink.store.due import DueLink, DuePayment

ACTOR: Final = "paylink"
WATCH_SECONDS: Final = 5.0
_PAYMENT_EVENTS: Final = {
    "action_required": events_pb2.PaymentActionRequired,
    "pending": events_pb2.PaymentPending,
    "authorised": events_pb2.PaymentAuthorised,
    "captured": events_pb2.PaymentCaptured,
    "declined": events_pb2.PaymentDeclined,
    "cancelled": events_pb2.PaymentCancelled,
}


def handlers(deps: Deps) -> dict[str, Handler]:
    """What is done with each event of payments, and with oneclick's erasures."""

    async def on_payment(conn: Conn, event: Event) -> None:
        message: Any = _PAYMENT_EVENTS[event.subject.rpartition(".")[2]].FromString(event.body)
        if message.payment.method == METHOD:
            offset = await tokens.clock_offset_seconds(conn, event.merchant_id)
            _act_for(event.merchant_id, offset)
            await follow.follow_payment(deps, conn, answer_of(message.payment))

    async def on_erased(conn: Conn, event: Event) -> None:
        erased = oneclick_events.CustomerErased.FromString(event.body)
        await erase.erase_customer(conn, erased.customer_id)

    return {
        **{f"incasso.payments.payment.{verb}": on_payment for verb in _PAYMENT_EVENTS},
        "incasso.oneclick.customer.erased": on_erased,
    }


def link_worker(deps: Deps) -> DueWorker[DueLink]:
    """Reminders and ends."""

    async def work(row: DueLink) -> None:
        _act_for(row.merchant_id, row.clock_offset_seconds)
        await due_flow.attend(deps, row)

    return DueWorker("paylink links", deps.db, due.claim_due_links, work)


def cart_worker(deps: Deps) -> DueWorker[DueCart]:
    """Recoveries that go out by themselves."""

    async def work(row: DueCart) -> None:
        _act_for(row.merchant_id, row.clock_offset_seconds)
        await carts.recover_due(deps, row.cart_id)

    return DueWorker("paylink carts", deps.db, claim_due, work)


def payment_worker(deps: Deps) -> DueWorker[DuePayment]:
    """Tries to pay without an end."""

    async def work(row: DuePayment) -> None:
        _act_for(row.merchant_id, row.clock_offset_seconds)
        await follow.settle_due(deps, row)

    return DueWorker("paylink payments", deps.db, due.claim_due_payments, work)


async def watch_unanswered(deps: Deps) -> None:
    """Keep the gauge of what is not known."""
    while True:
        try:
            async with deps.db.connection() as conn:
                age = await due.oldest_unanswered(conn)
        except Refusal as refusal:
            log.warning("unanswered payments were not counted", reason=refusal.reason)
        else:
            metrics.OLDEST_UNANSWERED.set(age.total_seconds())
        await asyncio.sleep(WATCH_SECONDS)


def _act_for(merchant_id: str, clock_offset_seconds: int) -> None:
    context.set_current(
        context.Call(
            merchant_id=merchant_id, actor=ACTOR, clock_offset_seconds=clock_offset_seconds
        )
    )
