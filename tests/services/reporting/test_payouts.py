"""A payout that gets another line later: only the added amount is expected, whatever became of the payout before."""

import pytest

from services.reporting.rules.exceptions import ExceptionType
from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import (
    charge,
    load,
    only,
    open_types,
    report,
    run,
)
from tests.services.reporting.shop import APRIL, table
from tests.services.reporting.world import rows


@pytest.fixture
async def day(world):
    """A payout of 50.00 that has not arrived in time."""
    await load(world, bank_file([], [], name="S0"))
    await add(world, 5000)
    return world


async def add(world, minor: int) -> None:
    made = await charge(world, minor, order=f"P-{minor}")
    await report(world, stripe_row(minor, charge=made.psp_reference, order=f"P-{minor}"))


async def arrives(world, minor: int, text: str = "po_1") -> None:
    entry = bank_entry(minor, reference=f"B{minor}", text=text, day="2026-04-11")
    await load(world, bank_file([minor], [entry], name=f"S{minor}"))


async def resolve(world, found, how: str, **more) -> None:
    request = {"resolution": "Known.", "resolved_as": f"EXCEPTION_RESOLUTION_{how}", **more}
    await world.call("ResolveException", exception_id=found.id, **request)


async def test_a_line_added_to_an_open_payout_raises_its_expected_amount(day):
    assert (await only(day, ExceptionType.MISSING_AT_BANK)).amount_minor == 5000
    await add(day, 700)
    assert (await only(day, ExceptionType.MISSING_AT_BANK)).amount_minor == 5700
    await arrives(day, 5700)
    assert await open_types(day) == []


@pytest.mark.parametrize("how", ["WRITTEN_OFF", "DISMISSED"])
async def test_only_the_addition_to_a_written_off_or_dismissed_payout_is_expected(day, how):
    await resolve(day, await only(day, ExceptionType.MISSING_AT_BANK), how)
    await add(day, 700)
    found = await only(day, ExceptionType.MISSING_AT_BANK)
    assert found.amount_minor == 700
    await arrives(day, 700)
    assert await open_types(day) == []


async def test_only_the_addition_to_a_split_payout_is_expected(day):
    await arrives(day, 4800, text="less a fee")
    found = await only(day, ExceptionType.UNKNOWN_CREDIT)
    payout = (await only(day, ExceptionType.MISSING_AT_BANK)).item_id
    parts = [{"account": "psp_fees", "amount_minor": -200}]
    await resolve(day, found, "SPLIT", item_ids=[payout], parts=parts)
    await add(day, 700)
    assert (await only(day, ExceptionType.MISSING_AT_BANK)).amount_minor == 700


async def test_only_the_addition_to_a_payout_that_arrived_is_expected(day):
    await arrives(day, 5000)
    await run(day)
    await add(day, 700)
    await arrives(day, 700)
    assert (await run(day)).matched == 2
    answer = await day.call("ListMatches")
    assert sorted(rows(answer.data, "amount_minor")) == [(700,), (700,), (5000,), (5000,)]


async def test_a_settlement_includes_the_bank_line_of_a_later_addition(day):
    await arrives(day, 5000)
    await run(day)
    await add(day, 700)
    await arrives(day, 700)
    await run(day)
    (payout,) = await table(day, "settlements", **APRIL)
    assert (payout["paid_out"], payout["arrived"]) == ("57.00", "57.00")
    assert len(payout["bank_lines"].split()) == 2


async def test_a_payout_of_zero_is_not_expected(day):
    await add_refund(day, 5000)
    assert "missing_at_bank" not in await open_types(day)


async def add_refund(world, minor: int) -> None:
    await report(world, stripe_row(-minor, kind="refund", charge="", order="", payout="po_1"))
