"""Refunds of a plan's payments made elsewhere, which the plan records; and what becomes of its own when
a process dies at each step.
"""

from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1 import events_pb2, payments_pb2
from libs import ids
from libs.bus import Event
from libs.clock import Clock
from libs.errors import Kind
from libs.idempotency import Key
from libs.money import Money
from libs.payments.due import DueRow
from services.instalments import worker
from services.instalments.deps import Deps
from services.instalments.flows import refunding, repaying, withdrawing
from services.instalments.flows.refunding import RefundPlan
from services.instalments.flows.withdrawing import WithdrawPlan
from tests.kit.crash_matrix import CrashMatrix
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.instalments.test_refunding import (
    CREDIT,
    amounts,
    books,
    due,
    paid_until,
    refunded,
)
from tests.services.instalments.test_withdrawing import dear
from tests.services.instalments.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part, Refund = pb.InstalmentPlan, pb.Instalment, payments_pb2.Refund


async def test_a_refused_refund_is_reported_and_made_up_by_one_at_payments(world):
    plan = await world.active(160_00)
    world.payments.before["RefundPayment"] = refuse(Kind.CONFLICT, "payment_disputed")
    after = await refunded(world, plan.id, 160_00)
    assert (after.refunded_minor, after.refunding_minor) == (0, 53_33)
    assert (await world.published())[-1] == "instalment.refund_failed"
    await due(world)
    assert len(world.payments.keys["RefundPayment"]) == 1
    await happens(world, refund_of(world, 53_33))
    after = await world.get(plan.id)
    assert (after.refunded_minor, after.refunding_minor, after.paid_minor) == (53_33, 0, 0)
    assert after.price_refunded_minor == 160_00


def refund_of(world: World, amount_minor: int, index: int = 0, **more) -> Refund:
    """A refund, as payments has it, of a payment that was made."""
    payment = list(world.payments.books.values())[index]
    payment.refunded_minor += amount_minor
    fields = {"id": ids.new("ref"), "state": Refund.STATE_SUCCEEDED, "amount_minor": amount_minor}
    made = payment.refunds.add(**fields | more)
    made.created_at.GetCurrentTime()
    return made


async def happens(world: World, refund: Refund, *, verb: str = "refunded", times: int = 2) -> None:
    """Delivers payments' event for a refund, twice by default."""
    payment = next(p for p in world.payments.books.values() if refund in p.refunds)
    kind = {"refunded": events_pb2.PaymentRefunded, "refund_failed": events_pb2.PaymentRefundFailed}
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=payment.id,
        subject=f"incasso.payments.payment.{verb}",
        body=kind[verb](payment=payment, refund=refund).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    for _ in range(times):
        await world.deliver(event)


async def test_a_refund_made_at_payments_applies_only_to_its_part(world):
    plan = await world.active(160_00)
    await paid_until(world, plan, 2)
    await happens(world, refund_of(world, 20_00, index=1, made_at_psp=True))
    after = await world.get(plan.id)
    assert amounts(after) == [53_33, 33_33, 53_34]
    assert [part.refunded_minor for part in after.instalments] == [0, 20_00, 0]
    assert (after.price_refunded_minor, after.refunded_minor) == (20_00, 20_00)
    assert (await world.published()).count("instalment.refunded") == 1
    gone = await refunded(world, plan.id, 140_00)
    assert (gone.state, gone.refunded_minor) == (Plan.STATE_COMPLETED, 106_66)
    assert books(world) == [(53_33, 53_33), (53_33, 53_33)]


async def test_a_failed_refund_made_at_payments_restores_the_part(world):
    plan = await world.active(300_00, **CREDIT)
    before = await world.get(plan.id)
    refund = refund_of(world, 104_00)
    await happens(world, refund)
    part = (await world.get(plan.id)).instalments[0]
    assert (part.principal_minor, part.fee_minor, part.amount_minor) == (0, 2_00, 2_00)
    refund.state = Refund.STATE_FAILED
    await happens(world, refund, verb="refund_failed")
    assert await world.get(plan.id) == before


async def test_a_refund_that_fails_later_is_owed_again(world):
    plan = await world.active(160_00)
    await refunded(world, plan.id, 160_00)
    (refund,) = next(iter(world.payments.books.values())).refunds
    refund.state = Refund.STATE_FAILED
    await happens(world, refund, verb="refund_failed")
    after = await world.get(plan.id)
    assert (after.refunded_minor, after.refunding_minor) == (0, 53_33)
    assert (await world.published()).count("instalment.refund_failed") == 1


async def test_a_refunds_failure_outlasts_its_success_event_delivered_late(world):
    plan = await world.active(160_00)
    refund = refund_of(world, 10_00)
    payment = next(iter(world.payments.books.values()))
    refunded_event = events_pb2.PaymentRefunded(payment=payment, refund=refund)
    early = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=payment.id,
        subject="incasso.payments.payment.refunded",
        body=refunded_event.SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    refund.state = Refund.STATE_FAILED
    await happens(world, refund, verb="refund_failed")
    await world.deliver(early)
    assert (await world.get(plan.id)) == plan


async def test_a_refund_event_before_its_payments_event_records_both(world):
    plan_id, sha256 = await world.ready()
    world.payments.after["CreatePayment"] = once(lose_answer)
    await world.sign(plan_id, sha256)
    next(iter(world.payments.books.values())).state = payments_pb2.Payment.STATE_PARTIALLY_REFUNDED
    await happens(world, refund_of(world, 3_33))
    after = await world.get(plan_id)
    assert (after.state, after.paid_minor, after.refunded_minor) == (
        Plan.STATE_ACTIVE, 50_00, 3_33,
    )  # fmt: skip


async def test_refunds_of_unknown_payments_or_other_methods_are_ignored(world):
    plan = await world.active(160_00)
    payment = next(iter(world.payments.books.values()))
    refund = refund_of(world, 10_00)
    payment.method, payment.order_part = "link", ""
    await happens(world, refund)
    payment.method, payment.id, payment.caller_key = "instalments", "pay_unknown", "unknown"
    await happens(world, refund)
    assert await world.get(plan.id) == plan


async def test_a_full_refund_made_at_the_psp_replaces_the_pending_one(world):
    """The plan refunds half, without an answer so far; all of it is refunded in the PSP's console."""
    plan = await world.active(160_00)
    world.payments.before["RefundPayment"] = refuse(Kind.UNAVAILABLE, "service_unavailable")
    await refunded(world, plan.id, 80_00)
    await happens(world, refund_of(world, 53_33, made_at_psp=True))
    first = (await world.get(plan.id)).instalments[0]
    assert (first.amount_minor, first.refunded_minor, first.refunding_minor) == (0, 53_33, 0)
    del world.payments.before["RefundPayment"]
    await due(world)  # payments refuses it: nothing is left
    assert (await world.get(plan.id)).refunded_minor == 53_33


@dataclass
class Refunding:
    """A full refund of a plan of which one part is paid."""

    world: World
    plan_id: str
    table: str = "repayments"
    rpc: str = "RefundPayment"

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "RefundInstalmentPlan", "refund-1", b"hash")
        await refunding.refund_plan(
            deps, RefundPlan(self.plan_id, Money(160_00, "EUR"), (), None), key
        )

    def worker(self, deps: Deps):
        return worker.repayment_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await repaying.settle_due(deps, row)

    async def deliver(self, refund) -> None:
        await happens(self.world, refund, times=1)

    async def state(self) -> str:
        plan = await self.world.get(self.plan_id)
        if not plan.price_refunded_minor:
            return "open"
        assert plan.refunded_minor + plan.refunding_minor == 53_33
        return "under way" if plan.refunding_minor else "paid"


@dataclass
class Withdrawing(Refunding):
    """Withdrawal from a plan whose paid costs exceed what is left of the price."""

    async def pay(self, deps: Deps) -> None:
        await withdrawing.withdraw(deps, WithdrawPlan(self.plan_id, "Giulia", "g@x.example", True))

    async def state(self) -> str:
        plan = await self.world.get(self.plan_id)
        if plan.state != Plan.STATE_WITHDRAWN:
            return "open"
        assert plan.refunded_minor + plan.refunding_minor == plan.withdrawal.give_back_minor == 4_00
        return "under way" if plan.refunding_minor else "paid"


class TestWithdrawals(CrashMatrix):
    gives_up = False

    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Withdrawing:
        plan = await world.begin("dear", partial(dear, world))
        return Withdrawing(world, plan.id)


class TestRefunds(CrashMatrix):
    gives_up = False

    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Refunding:
        return Refunding(world, (await world.active(160_00)).id)
