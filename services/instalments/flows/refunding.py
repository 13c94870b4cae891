"""A refund of a plan: recomputes what is left, and refunds overpaid money through the payments that
paid it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from libs import context, idempotency, ids, outbox, telemetry
from libs.db import Conn
from libs.errors import invalid
from libs.idempotency import Key
from libs.money import Money
from services.instalments import refund_events
from services.instalments.deps import Deps
from services.instalments.errors import NothingToGiveBack, PlanRefunded
from services.instalments.flows import collecting, repaying
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import refunding as rules
from services.instalments.rules.current_schedule import remaining_price
from services.instalments.rules.items import Returned, amount_of, without
from services.instalments.rules.plans import Plan, Shown
from services.instalments.rules.repaying import PlanRefund, Repayment, Share, by_transfer
from services.instalments.store import plans as plans_store
from services.instalments.store import refunds as store
from services.instalments.store.refunds import REFUNDS


@dataclass(frozen=True, slots=True)
class RefundPlan:
    """`amount` of the price, or `items` of the order."""

    plan_id: str
    amount: Money | None
    items: tuple[Returned, ...]
    reason: str | None


async def refund_plan(deps: Deps, cmd: RefundPlan, key: Key) -> Shown:
    """The recomputed plan; a worker refunds what payments has not refunded yet. The same key
    returns the plan in its current state.

    Raises PlanNotFound, InvalidArgument, and what the rules of refunding raise.
    """
    intents: Sequence[Repayment] = ()

    async def begun(tx: Conn, refund_id: str) -> None:
        nonlocal intents
        before = await plans_flow.locked(tx, cmd.plan_id)
        plan, now = before.plan, deps.clock.now()
        amount = _amount(cmd, plan)
        found = rules.refunded(plan, before.parts, amount.amount_minor, now)
        refund = PlanRefund(
            merchant_id=plan.merchant_id,
            id=refund_id,
            plan_id=plan.id,
            amount=amount,
            give_back_minor=found.give_back_minor,
            reason=cmd.reason,
            items=cmd.items,
            actor=context.current().actor,
            trace_id=telemetry.trace_id(),
            created_at=now,
        )
        intents = _intents(refund, found.shares)
        after = Shown(replace(found.plan, items=without(plan.items, cmd.items)), found.parts)
        await REFUNDS.add(tx, refund)
        await store.add(tx, intents)
        await collecting.changed(tx, [(before, after)], now)
        await plans_store.save(tx, after.plan)
        await outbox.append(
            tx, outbox.event_of(plan, refund_events.plan_refunded(after, refund), now)
        )
        await repaying.append_failed(tx, plan, intents, now)

    await plans_flow.found(deps, cmd.plan_id)
    await idempotency.once(deps.db, key, ids.new("prf"), begun)
    await repaying.give_back(deps, intents)
    return await plans_flow.get_plan(deps, cmd.plan_id)


def _amount(cmd: RefundPlan, plan: Plan) -> Money:
    """Raises InvalidArgument; PlanRefunded if nothing is left."""
    if (cmd.amount is None) == (not cmd.items):
        raise invalid("amount", "is required without items, and must not be set with them")
    if not remaining_price(plan):
        raise PlanRefunded
    if cmd.amount is None:
        amount_minor = amount_of(plan.items, cmd.items, left_minor=remaining_price(plan))
        return Money(amount_minor, plan.amount.currency)
    if cmd.amount.currency != plan.amount.currency:
        raise invalid("amount.currency", f"must be {plan.amount.currency}")
    return cmd.amount


def _intents(refund: PlanRefund, shares: Mapping[str, tuple[Share, ...]]) -> Sequence[Repayment]:
    now = refund.created_at
    made = [repaying.intent_of(refund, each, shares[each], now) for each in sorted(shares)]
    return [one if one.payment_id else by_transfer(one, now) for one in made]


async def retry_refunds(deps: Deps, plan_id: str, key: Key) -> Shown:
    """Retries refused refunds under new keys, except amounts in progress. The same key retries once.

    Raises PlanNotFound, NothingToGiveBack.
    """
    intents: Sequence[Repayment] = ()

    async def begun(tx: Conn, _: str) -> None:
        nonlocal intents
        shown = await plans_flow.locked(tx, plan_id)
        intents = await repaying.again(tx, shown, deps.clock.now())
        if not intents:
            raise NothingToGiveBack

    await idempotency.once(deps.db, key, plan_id, begun)
    await repaying.give_back(deps, intents)
    return await plans_flow.get_plan(deps, plan_id)
