"""The other doors: events of payments, and rows that are due."""

from typing import Any, Final

from incasso.payments.v1 import events_pb2
from libs import context
from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.due import DueWorker
from services.oneclick.deps import Deps
from services.oneclick.flows import attach, detach, follow
from services.oneclick.payments_client import METHOD, answer_of, elsewhere_of
from services.oneclick.store import due, history
from services.oneclick.store.due import DueCharge, DueSetup, Removal

ACTOR: Final = "oneclick"
_PAYMENT_EVENTS: Final = {
    "action_required": events_pb2.PaymentActionRequired,
    "pending": events_pb2.PaymentPending,
    "authorised": events_pb2.PaymentAuthorised,
    "captured": events_pb2.PaymentCaptured,
    "lowered": events_pb2.PaymentLowered,
    "declined": events_pb2.PaymentDeclined,
    "cancelled": events_pb2.PaymentCancelled,
}


def handlers() -> dict[str, Handler]:
    """What is done with each event of payments."""
    return {f"incasso.payments.payment.{verb}": _on_payment for verb in _PAYMENT_EVENTS}


async def _on_payment(conn: Conn, event: Event) -> None:
    message: Any = _PAYMENT_EVENTS[event.subject.rpartition(".")[2]].FromString(event.body)
    if message.payment.method == METHOD:
        await follow.follow_payment(conn, answer_of(message.payment))
    elif message.payment.instrument_id:
        await history.follow(conn, elsewhere_of(message.payment))


def charge_worker(deps: Deps) -> DueWorker[DueCharge]:
    """Charges without an end."""

    async def work(row: DueCharge) -> None:
        _act_for(row.merchant_id, row.clock_offset_seconds)
        await follow.settle_due(deps, row)

    return DueWorker("oneclick charges", deps.db, due.claim_due_charges, work)


def setup_worker(deps: Deps) -> DueWorker[DueSetup]:
    """Instruments whose setup has no end, or waits for a challenge."""

    async def work(row: DueSetup) -> None:
        _act_for(row.merchant_id, row.clock_offset_seconds)
        await attach.settle_due(deps, row)

    return DueWorker("oneclick setups", deps.db, due.claim_due_setups, work)


def removal_worker(deps: Deps) -> DueWorker[Removal]:
    """Tokens that PSPs must forget."""

    async def work(removal: Removal) -> None:
        _act_for(removal.merchant_id, 0)
        await detach.remove_token(deps, removal)

    return DueWorker("oneclick removals", deps.db, due.claim_due_removals, work)


def _act_for(merchant_id: str, clock_offset_seconds: int) -> None:
    context.set_current(
        context.Call(
            merchant_id=merchant_id, actor=ACTOR, clock_offset_seconds=clock_offset_seconds
        )
    )
