"""Reconciliation runs concurrent with imports: they match items as the import leaves them, and are repeated."""

import asyncio

import pytest

from libs import clock
from services.reporting.store import items
from tests.kit.connections import until_locked_out
from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import SOON, charge, load, open_types, report, run


@pytest.fixture
async def day(world):
    """A payment, and its payout's line at the bank."""
    world.now = SOON
    made = await charge(world)
    await report(world, stripe_row(5990, 115, charge=made.psp_reference))
    await load(world, bank_file([5875], [bank_entry(5875, text="po_1", day="2026-04-10")]))
    return world


async def test_a_payout_changed_by_a_concurrent_import_is_matched_as_changed(day):
    async with day.deps.db.transaction() as tx:
        await tx.execute(
            "UPDATE open_items SET amount_minor = 5000 WHERE merchant_id = $1 AND kind = 'payout'",
            day.merchant_id,
        )
        running = asyncio.create_task(run(day))
        await until_locked_out(day.deps.db)
    assert (await running).matched == 1
    assert await open_types(day) == ["unknown_credit"]


async def test_lines_that_arrive_during_a_run_make_it_due_again(day):
    day.now = clock.world_now()
    await run(day)
    assert not await day.deps.db.run(_is_due, day.merchant_id)
    async with day.deps.db.transaction() as tx:
        await items.collect_payouts(tx, day.merchant_id, [], "")
        running = asyncio.create_task(run(day))
        await until_locked_out(day.deps.db)
    await running
    assert await day.deps.db.run(_is_due, day.merchant_id)


async def _is_due(conn, merchant_id) -> bool:
    sql = "SELECT due_at <= now() FROM reconciliations WHERE merchant_id = $1"
    return await conn.fetchval(sql, merchant_id)
