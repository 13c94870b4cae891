"""A run or import killed at any statement changes nothing, and the next one does all its work."""

from dataclasses import replace
from itertools import count

import pytest

from libs import context
from libs.errors import ServiceUnavailable
from services.reporting.flows.importing import ImportStatement, import_statement
from services.reporting.flows.reconciling import reconcile
from tests.services.reporting.files import bank_entry, bank_file, stripe_file, stripe_row
from tests.services.reporting.reconciling import ACCOUNT, SOON, charge, load, report
from tests.services.reporting.striking import Striking
from tests.services.reporting.world import refunded

TABLES = (
    "bank_lines", "settlement_lines", "imports", "statements", "staged_bank_lines", "staged_settlement_lines",
    "open_items", "matches", "clearings", "exceptions", "entries", "postings", "balances", "reconciliations",
)  # fmt: skip  # a list, not a call


async def dump(world) -> dict[str, list[str]]:
    async with world.deps.db.connection() as conn:
        return {
            table: [
                row[0]
                for row in await conn.fetch(
                    f"SELECT to_jsonb(of_it)::text FROM {table} AS of_it WHERE merchant_id = $1 ORDER BY 1",
                    world.merchant_id,
                )
            ]
            for table in TABLES
        }


async def killed_everywhere(world, work) -> int:
    """Kills `work` before each of its statements in turn, until it completes; returns their number."""
    before = await dump(world)
    for at in count(1):
        struck = Striking(world.deps.db, at)
        context.set_current(context.Call(merchant_id=world.merchant_id, actor="key_finance"))
        try:
            await work(replace(world.deps, db=struck))
        except ServiceUnavailable:
            assert not struck.is_over
            assert await dump(world) == before
        else:
            assert struck.is_over
            return at
    raise AssertionError


@pytest.fixture
async def day(world):
    """A day that gives most rules and types of exceptions something to do."""
    world.now = SOON
    made = [await charge(world, 5990, order=f"K-{number}") for number in range(4)]
    await world.book(world.event(refunded(made[0], 990), made[0].id, SOON))
    named = [{"charge": each.psp_reference, "order": each.order_reference} for each in made]
    await report(
        world,
        stripe_row(5990, 115, **named[0]),
        stripe_row(-990, kind="refund", **named[0]),
        stripe_row(5890, 115, **named[1]),
        stripe_row(5990, 115, charge="", order="K-2"),
        stripe_row(1234, charge="ch_nobodys", order="", payout="po_2"),
    )
    texts = {16535: "po_1", 1234: "po_2", 4711: "from nobody", -350: "charges"}
    entries = [bank_entry(minor, text=text, day="2026-04-10") for minor, text in texts.items()]
    await load(world, bank_file([*texts], entries))
    return world


async def test_a_run_killed_at_any_statement_changes_nothing(day):
    statements = await killed_everywhere(day, reconcile)
    assert statements > 20
    found = await day.call("RunReconciliation")
    assert (found.matched, found.open_exceptions) == (0, 5)
    balances = await day.balances()
    assert "bank_in_transit" not in balances
    assert (balances["bank"], balances["unallocated"]) == (22130, -4361)


@pytest.mark.parametrize(
    ("data", "psp_account"),
    [
        (stripe_file(stripe_row(5990, 115), stripe_row(2000, 55, name="txn_b")), ACCOUNT),
        (bank_file([100, 200], [bank_entry(100, reference="B1"), bank_entry(200)]), None),
    ],
    ids=["a PSP's report", "a bank's statement"],
)
async def test_an_import_killed_at_any_statement_changes_nothing(world, data, psp_account):
    async def work(deps):
        async def pieces():
            yield data

        cmd = ImportStatement(name=None, source=None, psp_account=psp_account)
        assert (await import_statement(deps, cmd, pieces())).lines == 2

    statements = await killed_everywhere(world, work)
    assert statements > 10
    found = await dump(world)
    assert not found["staged_bank_lines"] + found["staged_settlement_lines"]
    assert len(found["bank_lines"] + found["settlement_lines"]) == 2
