"""Credits that name a payment link: each is reported to paylink once, whatever happens in between."""

from incasso.paylink.v1 import events_pb2, paylink_pb2
from incasso.reporting.v1 import imports_pb2 as pb
from libs import creditor_references, ids
from services.reporting import worker
from tests.services.reporting import files
from tests.services.reporting.files import bank_entry, bank_file
from tests.services.reporting.reconciling import open_types
from tests.services.reporting.test_imports import load
from tests.services.reporting.world import AT

REFERENCE = creditor_references.creditor_reference("ABCDEFGHJKLM")
SPACED = " ".join(REFERENCE[start : start + 4] for start in range(0, len(REFERENCE), 4))


async def due_again(world) -> None:
    async with world.deps.db.connection() as conn:
        await conn.execute(
            "UPDATE link_transfers SET due_at = now() WHERE merchant_id = $1 AND due_at IS NOT NULL",
            world.merchant_id,
        )


async def report_transfers(world) -> None:
    await due_again(world)
    await worker.link_transfer_worker(world.deps).run_once()


async def transfers(world) -> list[pb.LinkTransfer]:
    answer = await world.call("ListBankLines")
    return [line.link_transfer for line in answer.data if line.HasField("link_transfer")]


async def test_a_credit_that_names_a_link_is_recorded_once(world):
    text = f"saldo {SPACED} grazie"
    minors = [9900, 9900, -9900]
    entries = [
        bank_entry(9900, reference="B1", text=text),
        bank_entry(9900, reference="B2", text="no link"),
        bank_entry(-9900, reference="B3", text=text),
    ]
    await load(world, bank_file(minors, entries))
    (before,) = await transfers(world)
    assert before.state == pb.LinkTransfer.STATE_PENDING
    await report_transfers(world)
    (found,) = await transfers(world)
    assert (found.state, found.outcome, found.payment_link_id) == (
        pb.LinkTransfer.STATE_RECORDED,
        "matched",
        "lnk_1",
    )
    (transfer,) = world.paylink.transfers.values()
    assert transfer.id == found.bank_transfer_id
    assert (transfer.bank_reference, transfer.amount.amount_minor) == ("B1", 9900)
    assert text in transfer.creditor_reference
    await load(world, bank_file(minors, entries, name="the same days again"))
    await report_transfers(world)
    assert len(world.paylink.keys) == 1


async def test_a_transfer_the_shop_already_reported_is_recognised(world):
    """It is recognised by the bank's reference, whatever its case and spacing."""
    world.paylink.transfers["B1X"] = reported = _reported("b1 x", 500)
    await load(world, bank_file([500], [bank_entry(500, reference="B1 x", text=REFERENCE)]))
    await report_transfers(world)
    (found,) = await transfers(world)
    assert found.bank_transfer_id == reported.id
    assert len(world.paylink.transfers) == 1


async def test_a_reference_already_used_for_another_amount_is_refused(world):
    world.paylink.transfers["B1"] = _reported("B1", 499)
    await load(world, bank_file([500], [bank_entry(500, reference="B1", text=REFERENCE)]))
    await report_transfers(world)
    (found,) = await transfers(world)
    assert (found.state, found.outcome) == (
        pb.LinkTransfer.STATE_REFUSED,
        "bank_transfer_differs",
    )


async def test_two_equal_credits_of_a_day_are_two_transfers(world):
    twins = [bank_entry(500, text=REFERENCE)] * 2
    await load(world, bank_file([500, 500], twins))
    await report_transfers(world)
    assert len(await transfers(world)) == len(world.paylink.transfers) == 2


async def test_payments_of_a_batch_with_one_reference_are_separate_transfers(world):
    details = files.detail("3.00", text=REFERENCE) + files.detail("3.00", text=REFERENCE)
    await load(world, bank_file([600], [files.entry("6.00", reference="B7", details=details)]))
    await report_transfers(world)
    assert len(await transfers(world)) == len(world.paylink.transfers) == 2
    assert "B7" in world.paylink.transfers


async def test_calls_to_paylink_are_retried_under_the_same_key_until_answered(world):
    """Dying after the call leaves the same row as getting no answer, so the test covers both."""
    await load(world, bank_file([500], [bank_entry(500, reference="B1", text=REFERENCE)]))
    world.paylink.down = True
    await report_transfers(world)
    world.paylink.down, world.paylink.silent = False, 99
    await report_transfers(world)
    assert [found.state for found in await transfers(world)] == [pb.LinkTransfer.STATE_PENDING]
    world.paylink.silent = 0
    await report_transfers(world)
    assert [found.state for found in await transfers(world)] == [pb.LinkTransfer.STATE_RECORDED]
    assert len(set(world.paylink.keys)) == 1
    assert len(world.paylink.transfers) == 1
    async with world.deps.db.connection() as conn:
        kept = "SELECT count(text) FROM link_transfers WHERE merchant_id = $1"
        assert await conn.fetchval(kept, world.merchant_id) == 0


async def test_a_transfer_and_its_bank_line_are_booked_as_one(world):
    """The ledger books the money once, from the line; paylink's event only says what it is for."""
    for reference in ("B 77", ""):
        await load(world, bank_file([9900], [bank_entry(9900, reference=reference, text=SPACED)]))
    await report_transfers(world)
    for transfer in world.paylink.transfers.values():
        transfer.booked_on = "2026-04-07"
        transfer.created_at.FromDatetime(AT)
        recorded = events_pb2.BankTransferRecorded(bank_transfer=transfer)
        await world.book(world.event(recorded, transfer.id))
    assert await open_types(world) == []
    assert await world.balances() == {"bank": 19800, "unallocated": -19800}


def _reported(bank_reference: str, amount_minor: int):
    """A transfer reported by the shop, through the API."""
    found = paylink_pb2.BankTransfer(id=ids.new("trf"), bank_reference=bank_reference)
    found.amount.amount_minor, found.amount.currency = amount_minor, "EUR"
    return found
