"""The trail of a payment's money: from the PSP's line through its payout to the bank's line, with exceptions on the way."""

from typing import Any

import pytest

from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import SOON, charge, load, report, run
from tests.services.reporting.world import refunded


@pytest.fixture
def day(world):
    world.now = SOON
    return world


async def trail(world, payment: Any) -> list[Any]:
    answer = await world.call("GetPaymentTrail", payment_id=payment.id)
    return list(answer.steps)


def kinds(steps: list[Any]) -> list[str]:
    names = steps[0].Kind.Name if steps else None
    return [names(step.kind).removeprefix("KIND_").lower() for step in steps]


async def test_a_trail_leads_from_the_psps_line_to_the_bank_line(day):
    one, other = await charge(day, 5990), await charge(day, 2000, order="A-1002")
    assert await trail(day, one) == []
    await report(
        day,
        stripe_row(5990, 115, charge=one.psp_reference, name="txn_own"),
        stripe_row(2000, 55, charge=other.psp_reference, order="A-1002"),
    )
    await run(day)
    assert kinds(await trail(day, one)) == ["psp_line", "payout"]
    await load(
        day,
        bank_file([7820], [bank_entry(7820, text="STRIPE PO_1", reference="B1", day="2026-04-10")]),
    )
    await run(day)
    line, payout, bank = await trail(day, one)
    assert kinds([line, payout, bank]) == ["psp_line", "payout", "bank_line"]
    assert (line.amount_minor, line.fee_minor, line.reference) == (5990, 115, "txn_own")
    assert (payout.amount_minor, payout.reference, payout.follows_id) == (7820, "po_1", line.id)
    assert (bank.amount_minor, bank.reference, bank.follows_id) == (7820, "B1", payout.id)
    assert [step.happened_on for step in (line, payout, bank)] == [
        "2026-04-07",
        "2026-04-10",
        "2026-04-10",
    ]
    entries = await day.call("ListJournalEntries", payment_id=one.id)
    assert line.follows_id in {entry.id for entry in entries.data}
    assert (
        line.rule
        == line.DESCRIPTOR.fields_by_name["rule"]
        .enum_type.values_by_name["MATCH_RULE_REFERENCE"]
        .number
    )
    assert {step.currency for step in (line, payout, bank)} == {"EUR"}


async def test_a_refund_in_another_payout_is_on_the_same_trail(day):
    made = await charge(day, 5990)
    back = refunded(made, 1000)
    await day.book(day.event(back, made.id, SOON))
    await report(
        day,
        stripe_row(5990, 115, charge=made.psp_reference),
        stripe_row(
            -1000, kind="refund", charge=made.psp_reference, payout="po_2", day="2026-04-09"
        ),
    )
    await run(day)
    steps = await trail(day, made)
    assert sorted(kinds(steps)) == ["payout", "payout", "psp_line", "psp_line"]
    assert {step.reference for step in steps if step.id.startswith("pyo_")} == {"po_1", "po_2"}


async def test_an_exception_is_open_on_the_trail_until_it_is_resolved(day):
    made = await charge(day, 5990)
    other = await charge(day, 700, order="A-1002")
    await report(day, stripe_row(5980, 115, charge=made.psp_reference))
    await run(day)
    steps = await trail(day, made)
    assert set(kinds(steps)) == {"exception"}
    assert all(step.open and step.trace_id for step in steps)
    answer = await day.call("ListExceptions", state="STATE_OPEN")
    assert {step.id for step in steps} <= {each.id for each in answer.data}
    for step in steps:
        await day.call(
            "ResolveException",
            exception_id=step.id,
            resolved_as="EXCEPTION_RESOLUTION_WRITTEN_OFF",
            resolution="a slip of the PSP",
        )
    assert not any(step.open for step in await trail(day, made))
    assert kinds(await trail(day, other)) == []


async def test_other_merchants_get_an_empty_trail(day):
    made = await charge(day, 5990)
    await report(day, stripe_row(5990, 115, charge=made.psp_reference))
    await run(day)
    assert await trail(day, made)
    own = day.merchant_id
    try:
        day.merchant_id = "mer_other"
        assert await trail(day, made) == []
    finally:
        day.merchant_id = own
