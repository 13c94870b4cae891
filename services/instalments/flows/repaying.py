"""What is given back of payments of a plan: asked of payments, and recorded, whoever made it.

The repayment's id is the key under which payments is asked. Without a certain answer it stays, and a
worker looks at the payment for a refund of this key before it asks again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from libs import context, ids, outbox
from libs.db import Conn
from libs.errors import (
    IdempotencyKeyInUse,
    InternalError,
    RemoteRefusal,
    ServiceUnavailable,
    required,
    stored,
)
from libs.logs import log
from libs.money import Money
from libs.payments.answer import Answer
from libs.payments.due import DueRow
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.flows import collecting
from services.instalments.rules import repaying as rules
from services.instalments.rules.plans import Collection, Shown
from services.instalments.rules.repaying import Found, Repayment, Told
from services.instalments.rules.states import (
    REPAYMENT_INITIAL,
    CollectionState,
    RepaymentEvent,
    RepaymentState,
)
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store import refunds as refunds_store
from services.instalments.store.plans import PLANS
from services.instalments.store.refunds import REPAYMENTS


async def give_back(deps: Deps, intents: Sequence[Repayment]) -> None:
    """Each was committed. One that has no answer yet does not concern the others."""
    await asyncio.gather(*(_ask(deps, intent) for intent in intents))


async def _ask(deps: Deps, intent: Repayment) -> None:
    at = deps.clock.now()
    try:
        news = await deps.payments.refund(intent, at)
    except (IdempotencyKeyInUse, ServiceUnavailable) as refusal:
        log.info("a refund has no answer yet", reason=refusal.reason)
        return
    except RemoteRefusal as refusal:
        news = Told(RepaymentEvent.FAIL, at, refusal=stored(refusal))
    async with deps.db.transaction() as tx:
        await record(tx, intent, news, deps.clock.now())


async def settle_due(deps: Deps, row: DueRow) -> None:
    """One without an end: the one who asked crashed or got no answer, or the PSP has not answered."""
    intent = await deps.db.run(REPAYMENTS.get, row.merchant_id, row.id)
    if intent is None or not rules.is_under_way(intent):
        return
    try:
        news = await deps.payments.find_refund(intent, deps.clock.now())
    except (RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("a refund is not settled yet", reason=refusal.reason)
        return
    if news is None:
        await _ask(deps, intent)
        return
    async with deps.db.transaction() as tx:
        await record(tx, intent, news, deps.clock.now())


async def record(tx: Conn, asked: Repayment, news: Told, now: datetime) -> None:
    """Any order, any number of times."""
    before = await _locked(tx, asked.merchant_id, asked.plan_id)
    current = required(await REPAYMENTS.get(tx, asked.merchant_id, asked.id), InternalError)
    after = rules.told(current, news)
    if after is None:
        return
    if after.refund_id is None and after.state is RepaymentState.SUCCEEDED:
        paid_by = await collections.of_payment(tx, asked.merchant_id, asked.payment_id, "")
        after = await _shared(tx, before, required(paid_by, InternalError), after)
    await refunds_store.save(tx, after)
    await _follow(tx, before, current, after, now)


async def _follow(
    tx: Conn, before: Shown, was: Repayment, repayment: Repayment, now: datetime
) -> None:
    after = Shown(*rules.moved(before.plan, before.parts, was, repayment))
    await collecting.changed(tx, [(before, after)], now)
    if repayment.state is RepaymentState.FAILED:
        failed = events.refund_failed(after.plan, repayment)
        await outbox.tell(tx, outbox.event_of(after.plan, failed, now))


async def follow_refund(deps: Deps, conn: Conn, payment: Answer, found: Found) -> None:
    """An event of payments, in the inbox's transaction: of a refund of ours, or of one that was made
    at payments or in the PSP's console. Any order, any number of times.
    """
    merchant_id, now = context.merchant_id(), deps.clock.now()
    paid_by = await collections.of_payment(conn, merchant_id, payment.id, payment.key)
    if paid_by is None:
        return
    paid_by = await collecting.record(conn, paid_by, payment, now)
    if paid_by.state is not CollectionState.SUCCEEDED:
        return
    before = await _locked(conn, merchant_id, paid_by.plan_id)
    ours = await refunds_store.named(
        conn, merchant_id, payment.id, key=found.key, reference=found.news.reference or ""
    )
    if ours is not None:
        await record(conn, ours, found.news, now)
    else:
        await _made_elsewhere(conn, before, paid_by, found, now)


async def _made_elsewhere(
    conn: Conn, before: Shown, paid_by: Collection, found: Found, now: datetime
) -> None:
    """A refund that nobody asked for here."""
    made = Repayment(
        merchant_id=paid_by.merchant_id,
        id=ids.new("irp"),
        plan_id=paid_by.plan_id,
        refund_id=None,
        payment_id=required(paid_by.payment_id, InternalError),
        state=REPAYMENT_INITIAL,
        amount=Money(found.amount_minor, before.plan.amount.currency),
        shares=(),
        created_at=found.created_at,
    )
    after = required(rules.told(made, found.news), InternalError)
    if after.state is RepaymentState.SUCCEEDED:
        after = await _shared(conn, before, paid_by, after)
    await refunds_store.add(conn, [after])
    if after.state is RepaymentState.SUCCEEDED:
        await _follow(conn, before, made, after, now)


async def _shared(
    conn: Conn, before: Shown, paid_by: Collection, repayment: Repayment
) -> Repayment:
    """With its shares of the parts that the payment paid."""
    numbers = [share.number for share in paid_by.pays]
    asked = await refunds_store.under_way(conn, repayment.merchant_id, repayment.payment_id)
    ours = [each for each in asked if each.id != repayment.id]
    amount_minor = repayment.amount.amount_minor
    return replace(repayment, shares=rules.shares_of(before.parts, numbers, amount_minor, ours))


async def _locked(conn: Conn, merchant_id: str, plan_id: str) -> Shown:
    plan = required(await PLANS.lock(conn, merchant_id, plan_id), InternalError)
    return Shown(plan, await store.parts(conn, merchant_id, plan_id))
