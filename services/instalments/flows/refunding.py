"""A refund inside a plan: what is left is planned anew, and what was paid too much is given back by the
payments that paid it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs import context, idempotency, ids, outbox, telemetry
from libs.db import Conn
from libs.errors import invalid
from libs.idempotency import Key
from libs.money import Money
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.errors import PlanRefunded
from services.instalments.flows import collecting, repaying
from services.instalments.flows import plans as plans_flow
from services.instalments.rules import refunding as rules
from services.instalments.rules.items import Returned, amount_of, without
from services.instalments.rules.plans import Plan, Shown
from services.instalments.rules.refunding import Refunded
from services.instalments.rules.repaying import PlanRefund, Repayment
from services.instalments.rules.replanned import left_of
from services.instalments.rules.states import REPAYMENT_INITIAL
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
    """The plan as it is planned anew; what payments has not given back yet is given back by a worker.
    The same key answers the plan as it is by then.

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
        intents = _intents(found, refund)
        after = Shown(replace(found.plan, items=without(plan.items, cmd.items)), found.parts)
        await REFUNDS.add(tx, refund)
        await store.add(tx, intents)
        await collecting.changed(tx, [(before, after)], now)
        await plans_store.save(tx, after.plan)
        await outbox.tell(tx, outbox.event_of(plan, events.plan_refunded(after, refund), now))

    await plans_flow.found(deps, cmd.plan_id)
    await idempotency.once(deps.db, key, ids.new("prf"), begun)
    await repaying.give_back(deps, intents)
    return await plans_flow.get_plan(deps, cmd.plan_id)


def _amount(cmd: RefundPlan, plan: Plan) -> Money:
    """Raises InvalidArgument; PlanRefunded when nothing is left."""
    if (cmd.amount is None) == (not cmd.items):
        raise invalid("amount", "or items is required, and not both")
    if not left_of(plan):
        raise PlanRefunded
    if cmd.amount is None:
        amount_minor = amount_of(plan.items, cmd.items, left_minor=left_of(plan))
        return Money(amount_minor, plan.amount.currency)
    if cmd.amount.currency != plan.amount.currency:
        raise invalid("amount.currency", f"must be {plan.amount.currency}")
    return cmd.amount


def _intents(found: Refunded, refund: PlanRefund) -> Sequence[Repayment]:
    return [_intent(found.plan, refund, payment_id, found) for payment_id in sorted(found.shares)]


def _intent(plan: Plan, refund: PlanRefund, payment_id: str, found: Refunded) -> Repayment:
    shares = found.shares[payment_id]
    return Repayment(
        merchant_id=plan.merchant_id,
        id=ids.new("irp"),
        plan_id=plan.id,
        refund_id=refund.id,
        payment_id=payment_id,
        state=REPAYMENT_INITIAL,
        amount=Money(sum(share.amount_minor for share in shares), plan.amount.currency),
        shares=shares,
        created_at=refund.created_at,
    )
