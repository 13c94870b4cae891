"""Files of banks and PSPs: their lines are imported once; wrong files and parameters are refused."""

import asyncio
import hashlib
from dataclasses import replace

import pytest

from libs import context
from libs.errors import Refusal
from services.reporting.flows.importing import ImportStatement, import_statement
from services.reporting.rules.imports import ImportState, Source
from services.reporting.store.imports import BANK_LINES, IMPORTS, SETTLEMENT_LINES, own
from tests.services.reporting import files
from tests.services.reporting.files import bank_entry, bank_file, simple, stripe_file, stripe_row
from tests.waiting import until

ANY = ImportStatement(name="april.xml", source=None, psp_account=None)
OF_STRIPE = replace(ANY, psp_account="stripe-it")


async def pieces(data: bytes, size: int = 777):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def load(world, data: bytes, cmd: ImportStatement = ANY):
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="key_finance"))
    return await import_statement(world.deps, cmd, pieces(data))


async def refusal(world, data: bytes, cmd: ImportStatement = ANY) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await load(world, data, cmd)
    return caught.value


async def lines(world, table=BANK_LINES):
    where = "WHERE merchant_id = $1 ORDER BY amount_minor, entry_id, place"
    if table is SETTLEMENT_LINES:
        where = "WHERE merchant_id = $1 ORDER BY gross_minor"
    return await world.deps.db.run(table.all, where, world.merchant_id)


async def amounts(world) -> list[int]:
    return [line.amount_minor for line in await lines(world)]


async def test_a_statements_lines_are_stored_with_amount_text_and_reference(world):
    text = "Saldo ordine A-1001"
    data = bank_file([5990, -350], [bank_entry(5990, reference="B1", text=text), bank_entry(-350)])
    found = await load(world, data)
    assert (found.state, found.source, found.format) == (
        ImportState.IMPORTED,
        Source.BANK,
        "camt.053",
    )
    assert (found.lines, found.known_lines, found.statements) == (2, 0, 1)
    (total,) = found.totals
    assert (total.credits_minor, total.debits_minor) == (5990, 350)
    fee, credit = await lines(world)
    assert (fee.amount_minor, fee.text, fee.bank_reference) == (-350, None, None)
    assert (credit.bank_reference, credit.text) == ("B1", text)
    assert credit.booked_on.isoformat() == "2026-04-07"


async def test_the_same_file_again_is_the_same_import(world):
    first = await load(world, simple(100))
    assert await load(world, simple(100)) == first
    assert await amounts(world) == [100]


async def test_the_progress_of_a_running_import_can_be_read(world):
    data = simple(100, 200)
    content_hash = hashlib.sha256(data).hexdigest()
    with pytest.raises(Refusal) as unknown:
        await world.call("GetImportProgress", content_hash=content_hash)
    assert unknown.value.reason == "import_not_found"
    async with world.deps.db.transaction() as tx:
        await own(tx, world.merchant_id)  # makes the import wait before it loads lines
        loading = asyncio.create_task(load(world, data))

        async def read():
            try:
                found = await world.call("GetImportProgress", content_hash=content_hash)
            except Refusal:
                return None  # it has not started yet
            return found.progress if found.progress.entries else None

        progress = await until(read)
    assert (progress.entries, progress.staged, progress.import_id) == (2, 0, "")
    assert progress.seen_at.seconds >= progress.begun_at.seconds > 0
    imported = await loading
    found = await world.call("GetImportProgress", content_hash=content_hash)
    assert found.progress.import_id == imported.id
    assert not found.progress.HasField("seen_at")


async def test_two_equal_bookings_of_a_day_stay_two_when_imported_again(world):
    await load(world, simple(-70, -70))
    again = await load(world, simple(-70, -70, name="another copy"))
    assert (again.lines, again.known_lines) == (0, 2)
    assert await amounts(world) == [-70, -70]


async def test_overlapping_statements_store_each_line_once(world):
    await load(world, simple(10, 20, name="Monday"))
    more = await load(world, simple(10, 20, 30, name="Monday and Tuesday"))
    assert (more.lines, more.known_lines) == (1, 2)
    assert await amounts(world) == [10, 20, 30]


async def test_overlapping_statements_in_one_file_store_each_line_once(world):
    one = bank_file([10], [bank_entry(10, reference="B1")])
    inner = one[one.index(b"<Stmt>") : one.index(b"</Stmt>") + len(b"</Stmt>")]
    twice = one.replace(inner, inner + inner.replace(b"<Id>S1</Id>", b"<Id>S2</Id>"))
    found = await load(world, twice)
    assert (found.statements, found.lines, found.known_lines) == (2, 1, 1)


async def test_the_lines_of_a_batch_add_up_to_its_entry(world):
    details = files.detail("1500.00", text="A") + files.detail("26.00", text="B")
    batch = files.entry("1520.00", reference="B9", details=details)
    await load(world, bank_file([152000], [batch]))
    found = await lines(world)
    assert [(line.part.value, line.place, line.amount_minor) for line in found] == [
        ("rest", 0, -600),
        ("payment", 2, 2600),
        ("payment", 1, 150000),
    ]
    assert len({line.entry_id for line in found}) == 1
    assert len({line.id for line in found}) == 3


async def test_a_pending_entry_is_counted_but_not_stored(world):
    pending = files.entry("9.00", state="<Sts>PDNG</Sts>")
    found = await load(world, bank_file([100], [bank_entry(100), pending]))
    assert (found.lines, found.not_booked) == (1, 1)
    assert await amounts(world) == [100]


async def test_a_statement_without_entries_is_imported(world):
    found = await load(world, bank_file([], [], opening=500))
    assert (found.state, found.lines, found.statements) == (ImportState.IMPORTED, 0, 1)


async def test_psp_lines_are_read_with_their_signs_and_kinds(world):
    rows = [
        stripe_row(5990, 110, name="txn_1"),
        stripe_row(-5990, 0, kind="refund"),
        stripe_row(-1500, 1500, kind="dispute"),
        stripe_row(-7, 0, kind="a_new_kind"),
    ]
    found = await load(world, stripe_file(*rows), OF_STRIPE)
    assert (found.source, found.psp_account, found.lines) == (Source.PSP, "stripe-it", 4)
    kept = await lines(world, SETTLEMENT_LINES)
    assert [(line.kind.value, line.gross_minor, line.fee_minor) for line in kept] == [
        ("refund", -5990, 0),
        ("dispute", -1500, -1500),
        ("other", -7, 0),
        ("charge", 5990, -110),
    ]
    charge = kept[-1]
    assert (charge.provider_reference, charge.order_reference) == ("txn_1", "A-1001")
    assert (charge.payout_reference, str(charge.payout_on)) == ("po_1", "2026-04-10")
    assert kept[2].provider_kind == "a_new_kind"


async def test_a_transaction_in_two_reports_is_one_line(world):
    row = stripe_row(100, name="txn_twice")
    await load(world, stripe_file(row), OF_STRIPE)
    again = await load(world, stripe_file(row, row, stripe_row(5)), OF_STRIPE)
    assert (again.lines, again.known_lines) == (1, 2)


async def test_a_report_listing_a_transaction_with_two_amounts_is_refused(world):
    rows = [stripe_row(100, name="txn_odd"), stripe_row(5), stripe_row(90, name="txn_odd")]
    found = await refusal(world, stripe_file(*rows), OF_STRIPE)
    assert "txn_odd twice, with different amounts" in found.facts["refused_reason"]
    assert await lines(world, SETTLEMENT_LINES) == []


async def test_a_refused_file_leaves_nothing_but_the_reason(world):
    data = simple(100, 200).replace(b"3.00", b"3.01")
    found = await refusal(world, data)
    assert found.reason == "statement_refused"
    assert "does not add up" in found.message
    assert int(found.facts["refused_line"]) > 1
    assert await amounts(world) == []
    (kept,) = await world.deps.db.run(IMPORTS.all, "WHERE merchant_id = $1", world.merchant_id)
    assert kept.state is ImportState.REFUSED
    assert str(kept.refused_line) == found.facts["refused_line"]
    assert kept.refused_reason == found.facts["refused_reason"]
    assert (await refusal(world, data)).facts == found.facts


@pytest.mark.parametrize(
    ("cmd", "data", "field"),
    [
        (ANY, stripe_file(stripe_row(1)), "psp_account"),
        (OF_STRIPE, simple(1), "psp_account"),
        (replace(ANY, source=Source.PSP), simple(1), "source"),
    ],
    ids=["a report without its account", "a statement with a PSP account", "the other source"],
)
async def test_an_account_or_source_that_does_not_fit_the_file_is_refused(world, cmd, data, field):
    found = await refusal(world, data, cmd)
    assert [violation.field for violation in found.violations] == [field]
    assert await amounts(world) == []


async def test_a_report_belongs_to_one_psp_account(world):
    data = stripe_file(stripe_row(1))
    await load(world, data, OF_STRIPE)
    found = await refusal(world, data, replace(ANY, psp_account="another"))
    assert [violation.field for violation in found.violations] == ["psp_account"]


async def test_concurrent_imports_store_each_line_once(world):
    both = [simple(1, 2, name="one"), simple(1, 2, 3, name="two"), simple(1, 2, 3, name="two")]
    await asyncio.gather(*(load(world, data) for data in both))
    assert await amounts(world) == [1, 2, 3]


async def test_two_merchants_import_the_same_account_separately(world):
    await load(world, simple(1))
    other = replace(world, merchant_id="mer_other")
    found = await load(other, simple(1))
    assert found.lines == 1
    (mine,), (theirs,) = await lines(world), await lines(other)
    assert mine.id != theirs.id


async def test_a_cancelled_import_leaves_no_lines_and_can_be_repeated(world):
    data = simple(*range(1, 4000))
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="key_finance"))
    task = asyncio.create_task(import_statement(world.deps, ANY, pieces(data)))
    async with world.deps.db.connection() as conn:
        sql = "SELECT count(*) FROM pg_locks WHERE relation = 'staged_bank_lines'::regclass AND granted"
        while not await conn.fetchval(sql):
            assert not task.done()
            await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await amounts(world) == []
    assert (await load(world, data)).lines == 3999
