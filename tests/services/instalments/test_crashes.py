"""The process dies at each step of signing, or of a charge on a due date: a part is paid once, or
nothing was charged.
"""

from dataclasses import dataclass

import pytest_asyncio

from incasso.payments.v1 import events_pb2
from libs.bus import Event
from libs.clock import Clock
from libs.idempotency import Key
from libs.payments.due import DueRow
from services.instalments import worker
from services.instalments.deps import Deps
from services.instalments.flows import collecting, due, signing
from services.instalments.flows.due import DueParts
from services.instalments.flows.signing import SignPlan
from tests.kit.crash_matrix import CrashMatrix
from tests.services.instalments.world import World


@dataclass
class Signature:
    """The first part of a plan."""

    world: World
    plan_id: str
    sha256: str
    table: str = "collections"
    rpc: str = "CreatePayment"

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "SignInstalmentPlan", "sign-1", b"hash")
        cmd = SignPlan(self.plan_id, "ins_good", self.sha256, None)
        await signing.sign_plan(deps, cmd, key)

    def worker(self, deps: Deps):
        return worker.collection_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await collecting.settle_due(deps, row)

    async def deliver(self, payment) -> None:
        await happens(self.world, payment)

    async def state(self) -> str:
        plan = await self.world.get(self.plan_id)
        state = plan.instalments[0].state
        paid = state == plan.instalments[0].STATE_PAID
        assert paid == (plan.state == plan.STATE_ACTIVE)
        if paid:
            return "paid"
        return "open" if state == plan.instalments[0].STATE_PLANNED else "under way"


async def happens(world: World, payment) -> None:
    """Delivers payments' event for a captured payment."""
    event = Event(
        event_id=f"evt_{payment.id}",
        merchant_id=world.merchant_id,
        aggregate_id=payment.id,
        subject="incasso.payments.payment.captured",
        body=events_pb2.PaymentCaptured(payment=payment).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    await world.deliver(event)


class TestSignatures(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> Signature:
        return Signature(world, *await world.begin("ready", world.ready))


@dataclass
class DuePart:
    """The second part of a plan, on its due date."""

    world: World
    plan_id: str
    table: str = "collections"
    rpc: str = "CreatePayment"

    async def pay(self, deps: Deps) -> None:
        await due.collect_due(deps, DueParts(self.world.merchant_id, [self.plan_id], [2]))

    def worker(self, deps: Deps):
        return worker.collection_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await collecting.settle_due(deps, row)

    async def deliver(self, payment) -> None:
        await happens(self.world, payment)

    async def state(self) -> str:
        part = (await self.world.get(self.plan_id)).instalments[1]
        if part.state == part.STATE_PAID:
            return "paid"
        return "open" if part.state == part.STATE_PLANNED else "under way"


class TestDueParts(CrashMatrix):
    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, world: World) -> DuePart:
        plan = await world.active()
        await world.until(plan.instalments[1].due_at)
        await forget_collections(world)
        return DuePart(world, plan.id)


async def forget_collections(world: World) -> None:
    """Forgets those of the first part, which is paid."""
    world.payments.books.clear()
    world.payments.keys.clear()
    async with world.deps.db.connection() as conn:
        await conn.execute("DELETE FROM collections WHERE merchant_id = $1", world.merchant_id)
