"""Matching: payments with reports, payouts and transfers with bank statements."""

import pytest

from tests.services.reporting import files
from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import (
    ACCOUNT,
    DAY,
    SOON,
    charge,
    load,
    open_types,
    opened,
    report,
    run,
)
from tests.services.reporting.world import captured, payment, refunded, rows


@pytest.fixture
def day(world):
    world.now = SOON
    return world


async def test_a_clean_day_matches_from_payment_to_bank_line(day):
    one, two = await charge(day, 5990), await charge(day, 2000, order="A-1002")
    await report(
        day,
        stripe_row(5990, 115, charge=one.psp_reference),
        stripe_row(2000, 55, charge=two.psp_reference, order="A-1002"),
    )
    await load(day, bank_file([7820], [bank_entry(7820, text="STRIPE PO_1", day="2026-04-10")]))
    found = await run(day)
    assert (found.matched, found.open_exceptions) == (3, 0)
    assert await day.balances() == {"bank": 7820, "psp_fees": 170, "sales": -7990}


async def test_a_second_run_changes_nothing(day):
    made = await charge(day)
    await report(day, stripe_row(5990, 115, charge=made.psp_reference))
    await run(day)
    before = await day.balances()
    found = await run(day)
    assert (found.matched, await day.balances()) == (0, before)


async def test_lines_imported_before_their_events_match_once_the_events_arrive(day):
    made = payment(psp_reference="ch_late", order_reference="B-1")
    await report(day, stripe_row(5990, charge="ch_late", order="B-1"))
    assert await open_types(day) == ["unknown_charge"]
    await day.book(day.event(captured(made), made.id, DAY))
    assert await open_types(day) == []
    answer = await day.call("ListExceptions", state="STATE_RESOLVED")
    assert rows(answer.data, "resolved_by") == [("reporting",)]


async def test_two_equal_captures_of_a_payment_match_one_by_one(day):
    made = payment(5000, psp_reference="ch_two")
    await day.book(day.event(captured(made), made.id, DAY), day.event(captured(made), made.id, DAY))
    await report(
        day,
        stripe_row(5000, charge="ch_two", name="txn_1"),
        stripe_row(5000, charge="ch_two", name="txn_2"),
    )
    assert (await run(day)).matched == 2


async def test_several_captures_of_a_payment_match_one_line_of_their_sum(day):
    made = payment(5000, psp_reference="ch_sum", order_reference="S-1")
    rest = captured(made)
    rest.amount_minor = 3000
    await day.book(day.event(captured(made), made.id, DAY), day.event(rest, made.id, DAY))
    await report(day, stripe_row(8000, charge="ch_sum", order="S-1"))
    assert (await run(day)).matched == 1
    answer = await day.call("ListMatches")
    assert sorted(rows(answer.data, "amount_minor")) == [(3000,), (5000,)]


async def test_payments_that_happen_to_add_up_to_a_line_are_not_matched_with_it(day):
    await charge(day, 5000, order="S-1")
    await charge(day, 3000, order="S-2")
    await report(day, stripe_row(8000, charge="ch_nobodys", order="S-3", payout=""))
    assert await open_types(day) == ["unknown_charge"]


async def test_a_line_naming_another_payment_of_its_amount_only_gets_a_suggestion(day):
    await charge(day, 5990)
    await report(day, stripe_row(5990, charge="ch_nobodys", order="", payout=""))
    assert await open_types(day) == ["unknown_charge"]
    (found,) = (await day.call("ListExceptions")).data
    assert len(found.suggestions) == 1


async def test_a_line_without_references_matches_by_amount_and_day(day):
    await charge(day, 5990)
    await report(day, stripe_row(5990, charge="", order="", payout=""))
    assert (await run(day)).matched == 1


async def test_a_difference_within_the_tolerance_matches_and_is_written_off(day):
    await day.call("PutReconciliationSource", party=ACCOUNT, tolerance_minor=2)
    made = await charge(day, 5990)
    await report(day, stripe_row(5988, charge=made.psp_reference, payout=""))
    assert await open_types(day) == []
    balances = await day.balances()
    assert balances["reconciliation_differences"] == 2
    assert "psp_receivable" not in balances


async def test_refunds_and_disputes_match_their_lines(day):
    made = await charge(day, 5990)
    again = await charge(day, 3000, order="A-2")
    await day.book(
        day.event(refunded(made, 1000), made.id, DAY),
        day.event(opened(again, 3000), again.id, DAY),
    )
    await report(
        day,
        stripe_row(5990, charge=made.psp_reference, payout=""),
        stripe_row(-1000, kind="refund", charge=made.psp_reference, payout=""),
        stripe_row(3000, charge=again.psp_reference, order="A-2", payout=""),
        stripe_row(-3000, kind="dispute", charge=again.psp_reference, order="A-2", payout=""),
    )
    assert ((await run(day)).matched, await open_types(day)) == (4, [])


async def test_several_payouts_in_one_bank_line_match_when_its_payer_is_known(day):
    for number, minor in ((1, 1000), (2, 2000), (3, 4000)):
        made = await charge(day, minor, order=f"P-{number}")
        line = {"charge": made.psp_reference, "order": f"P-{number}", "payout": f"po_{number}"}
        await report(day, stripe_row(minor, **line))
    payer = "<RltdPties><Dbtr><Nm>STRIPE PAYMENTS</Nm></Dbtr></RltdPties>"
    known = _entry("10.00", files.detail("10.00", text="po_1", extra=payer))
    both = _entry("60.00", files.detail("60.00", text="PAYOUTS", extra=payer))
    await load(day, bank_file([1000, 6000], [known, both]))
    assert await open_types(day) == []
    assert (await day.balances())["bank"] == 7000


def _entry(amount: str, details: str) -> str:
    return files.entry(amount, "CRDT", day="2026-04-10", details=details)
