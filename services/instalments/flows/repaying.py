"""Refunds of a plan's payments: requested from payments, and recorded, whoever made them.

The repayment's id is the key of the call to payments. Without a definite answer it stays open, and a
worker looks for a refund with this key before it asks again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from libs import context, ids, outbox
from libs.db import Conn
from libs.errors import (
    InternalError,
    required,
)
from libs.money import Money
from libs.payments import repaying
from libs.payments.answer import Answer
from libs.payments.due import DueRow
from libs.payments.repayments import (
    RefundReport,
    RepaymentState,
    ReportedRefund,
    after_report,
    is_under_way,
)
from services.instalments import refund_events
from services.instalments.deps import Deps
from services.instalments.flows import collecting
from services.instalments.rules import repaying as rules
from services.instalments.rules.plans import Plan, Shown
from services.instalments.rules.repaying import PlanRefund, Repayment, Share
from services.instalments.rules.states import REPAYMENT_INITIAL
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store import refunds as refunds_store
from services.instalments.store.plans import PLANS
from services.instalments.store.refunds import REPAYMENTS


def intent_of(
    refund: PlanRefund, payment_id: str, shares: tuple[Share, ...], now: datetime
) -> Repayment:
    """A refund of one payment, as part of a refund of the plan."""
    return Repayment(
        merchant_id=refund.merchant_id,
        id=ids.new("irp"),
        plan_id=refund.plan_id,
        refund_id=refund.id,
        payment_id=payment_id,
        state=REPAYMENT_INITIAL,
        amount=Money(sum(share.amount_minor for share in shares), refund.amount.currency),
        shares=shares,
        created_at=now,
    )


async def again(
    tx: Conn, shown: Shown, now: datetime, *, payment_id: str | None = None
) -> Sequence[Repayment]:
    """Intents for amounts that refunds of the plan have promised and that are not being refunded, for
    all payments or for one; assigned to its last refund. The plan is locked in this transaction.
    """
    merchant_id, plan_id = shown.plan.merchant_id, shown.plan.id
    owed = rules.still_owed(
        shown.parts, await refunds_store.under_way(tx, merchant_id, plan_id=plan_id)
    )
    refund = await refunds_store.last(tx, merchant_id, plan_id) if owed else None
    if refund is None:
        return ()
    wanted = [each for each in sorted(owed) if payment_id in (None, each)]
    intents = [intent_of(refund, each, owed[each], now) for each in wanted]
    await refunds_store.add(tx, intents)
    return intents


async def give_back(deps: Deps, intents: Sequence[Repayment]) -> None:
    """Requests committed refunds. One without an answer does not affect the others."""
    asked = [intent for intent in intents if is_under_way(intent)]
    await asyncio.gather(*(_ask(deps, intent) for intent in asked))


async def _ask(deps: Deps, intent: Repayment) -> None:
    report = await repaying.request(deps.payments, intent, deps.clock.now())
    if report is not None:
        async with deps.db.transaction() as tx:
            await record(tx, intent, report, deps.clock.now())


async def settle_due(deps: Deps, row: DueRow) -> None:
    """Follows an unfinished refund: the caller crashed, or neither payments nor the PSP answered."""
    intent = await deps.db.run(REPAYMENTS.get, row.merchant_id, row.id)
    if intent is None or not is_under_way(intent):
        return
    report = await repaying.settle(deps.payments, intent, deps.clock.now())
    if report is not None:
        async with deps.db.transaction() as tx:
            await record(tx, intent, report, deps.clock.now())


async def record(tx: Conn, asked: Repayment, report: RefundReport, now: datetime) -> None:
    """Records a report, in any order, any number of times."""
    before = await _locked(tx, asked.merchant_id, asked.plan_id)
    current = required(await REPAYMENTS.get(tx, asked.merchant_id, asked.id), InternalError)
    after = after_report(current, report)
    if after is None:
        return
    if after.refund_id is None and after.state is RepaymentState.SUCCEEDED:
        after = await _shared(tx, before, after)
    await refunds_store.save(tx, after)
    await _follow(tx, before, current, after, now)


async def _follow(
    tx: Conn, before: Shown, was: Repayment, repayment: Repayment, now: datetime
) -> None:
    after = Shown(*rules.moved(before.plan, before.parts, was, repayment))
    await collecting.changed(tx, [(before, after)], now)
    await append_failed(tx, after.plan, [repayment], now)


async def append_failed(
    tx: Conn, plan: Plan, repayments: Sequence[Repayment], now: datetime
) -> None:
    failed = [each for each in repayments if each.state is RepaymentState.FAILED]
    failures = [
        outbox.event_of(plan, refund_events.refund_failed(plan, each), now) for each in failed
    ]
    await outbox.append(tx, *failures)


async def follow_refund(
    deps: Deps, conn: Conn, payment: Answer, order_reference: str, found: ReportedRefund
) -> None:
    """Records an event of payments in the inbox's transaction: about one of our refunds, or one made
    at payments or in the PSP's console. Any order, any number of times.
    """
    before = await paid_by(deps, conn, payment, order_reference)
    if before is None:
        return
    now = deps.clock.now()
    ours = await refunds_store.named(
        conn,
        before.plan.merchant_id,
        payment.id,
        key=found.key,
        reference=found.report.reference or "",
    )
    if ours is not None:
        await record(conn, ours, found.report, now)
    else:
        await _made_elsewhere(conn, before, payment.id, found, now)


async def paid_by(deps: Deps, conn: Conn, payment: Answer, order_reference: str) -> Shown | None:
    """The plan whose parts a payment has paid, locked; the payment is one that we requested, or a
    link's.
    """
    merchant_id = context.merchant_id()
    asked = await collections.of_payment(conn, merchant_id, payment.id, payment.key)
    if asked is not None:
        await collecting.record(conn, asked, payment, deps.clock.now())
        plan_id: str | None = asked.plan_id
    else:
        plan_id = await store.paid_by(conn, merchant_id, order_reference, payment.id)
    found = None if plan_id is None else await _locked(conn, merchant_id, plan_id)
    return found if found is not None and numbers_of(found, payment.id) else None


def numbers_of(shown: Shown, payment_id: str) -> Sequence[int]:
    """The parts that a payment has paid."""
    return [part.number for part in shown.parts if part.payment_id == payment_id]


async def _made_elsewhere(
    conn: Conn, before: Shown, payment_id: str, found: ReportedRefund, now: datetime
) -> None:
    """Records a refund that was not requested here."""
    plan = before.plan
    made = Repayment(
        merchant_id=plan.merchant_id,
        id=ids.new("irp"),
        plan_id=plan.id,
        refund_id=None,
        payment_id=payment_id,
        state=REPAYMENT_INITIAL,
        amount=Money(found.amount_minor, plan.amount.currency),
        shares=(),
        created_at=found.created_at,
    )
    after = required(after_report(made, found.report), InternalError)
    if after.state is RepaymentState.SUCCEEDED:
        after = await _shared(conn, before, after)
    await refunds_store.add(conn, [after])
    if after.state is RepaymentState.SUCCEEDED:
        await _follow(conn, before, made, after, now)


async def _shared(conn: Conn, before: Shown, repayment: Repayment) -> Repayment:
    """The repayment with its shares of the parts that the payment paid."""
    payment_id = repayment.payment_id
    asked = await refunds_store.under_way(conn, repayment.merchant_id, payment_id=payment_id)
    ours = [each for each in asked if each.id != repayment.id]
    numbers, amount = numbers_of(before, repayment.payment_id), repayment.amount
    return replace(
        repayment, shares=rules.shares_of(before.parts, numbers, amount.amount_minor, ours)
    )


async def _locked(conn: Conn, merchant_id: str, plan_id: str) -> Shown:
    plan = required(await PLANS.lock(conn, merchant_id, plan_id), InternalError)
    return Shown(plan, await store.parts(conn, merchant_id, plan_id))
