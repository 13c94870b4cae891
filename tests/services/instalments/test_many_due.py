"""Many parts due at once, several replicas, one of which is killed: each part is paid exactly once."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from incasso.instalments.v1.plans_pb2 import InstalmentPlan
from libs import ids
from services.instalments import worker
from services.instalments.store import plans as store
from services.instalments.store.plans import MOST_AT_ONCE
from tests.services.instalments.world import World
from tests.waiting import HANGING_SECONDS, until

pytestmark = pytest.mark.asyncio(loop_scope="session")
PLANS = 300
# Copies of a plan, as in a shop with many: the same terms, but orders and ids of their own.
COPY_PLANS = """
INSERT INTO plans SELECT (jsonb_populate_record(plans, jsonb_build_object(
    'id', plans.id || n, 'quote_id', quote_id || n, 'order_reference', order_reference || n))).*
FROM plans, generate_series(1, $3) AS n WHERE merchant_id = $1 AND id = $2"""
COPY_PARTS = """
INSERT INTO instalments SELECT (jsonb_populate_record(instalments, jsonb_build_object(
    'plan_id', plan_id || n))).*
FROM instalments, generate_series(1, $3) AS n WHERE merchant_id = $1 AND plan_id = $2"""


async def due_at_once(world: World, count: int) -> None:
    """Creates this many plans whose second part is due."""
    plan, world.has_copies = await world.active(), True
    async with world.deps.db.transaction() as tx:
        await tx.execute(COPY_PLANS, world.merchant_id, plan.id, count - 1)
        await tx.execute(COPY_PARTS, world.merchant_id, plan.id, count - 1)
    await world.until(plan.instalments[1].due_at)


async def left(world: World) -> Counter[str]:
    """Second parts by state."""
    async with world.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT state FROM instalments WHERE merchant_id = $1 AND number = 2",
            world.merchant_id,
        )
    return Counter(row["state"] for row in rows)


def paid_by_order(world: World) -> Counter[str]:
    """Number of payments made, by order."""
    return Counter(payment.order_reference for payment in world.payments.books.values())


async def recovered(world: World) -> None:
    """Lets the claims of a dead worker run out, and other workers continue."""
    async with world.deps.db.connection() as conn:
        await conn.execute("UPDATE instalments SET held_until = '-infinity'")
        await conn.execute("UPDATE collections SET due_at = now() WHERE due_at IS NOT NULL")
    for _ in range(PLANS):
        found = await worker.collection_worker(world.deps).run_once()
        found += await worker.due_worker(world.deps).run_once()
        if not found:
            return


async def test_each_part_is_paid_once_although_one_of_two_workers_is_killed(world):
    await due_at_once(world, PLANS)
    world.payments.books.clear()
    killed, survivor = (asyncio.create_task(worker.due_worker(world.deps).run()) for _ in range(2))
    asked = 0

    def kill() -> None:
        nonlocal asked
        asked += 1
        if asked == PLANS // 4:
            killed.cancel()

    world.payments.before["CreatePayment"] = kill
    with suppress(asyncio.CancelledError):
        await killed
    async with asyncio.timeout(HANGING_SECONDS):
        while (await left(world))["planned"] > MOST_AT_ONCE * worker.BATCHES:
            await asyncio.wait([survivor], timeout=0.1)
    survivor.cancel()
    with suppress(asyncio.CancelledError):
        await survivor
    await recovered(world)
    assert await left(world) == {"paid": PLANS}
    assert len(paid_by_order(world)) == len(world.payments.books) == PLANS
    assert (await world.published()).count("instalment.paid") == PLANS + 1


async def test_concurrent_workers_charge_each_due_part_once(world):
    await due_at_once(world, 2 * MOST_AT_ONCE)
    world.payments.books.clear()
    for _ in range(3):
        await asyncio.gather(*(worker.due_worker(world.deps).run_once() for _ in range(3)))
    assert await left(world) == {"paid": 2 * MOST_AT_ONCE}
    assert len(world.payments.books) == len(world.payments.calls["CreatePayment"]) - 1
    assert max(map(len, world.oneclick.asked)) == 1


async def test_one_run_charges_the_due_parts_of_two_merchants(world):
    other = replace(world, merchant_id=ids.new("mer"))
    for one in (world, other):
        await due_at_once(one, 3)
    await worker.due_worker(world.deps).run_once()
    for one in (world, other):
        assert await left(one) == {"paid": 3}


async def test_a_locked_plan_is_charged_after_the_others(world):
    busy, free = [await world.active() for _ in range(2)]
    await world.until(busy.instalments[1].due_at)

    async def is_paid(plan: InstalmentPlan) -> bool:
        part = (await world.get(plan.id)).instalments[1]
        return part.state == part.STATE_PAID

    async with world.deps.db.transaction() as tx:
        await store.PLANS.lock(tx, world.merchant_id, busy.id)
        work = asyncio.create_task(worker.due_worker(world.deps).run_once())
        await until(lambda: is_paid(free))
        assert not await is_paid(busy)
    await work
    assert await is_paid(busy)
    assert len(world.payments.books) == 4
