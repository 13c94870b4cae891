"""Payouts that are not just a sum of payments: fees, refunds, a dispute in two rows, adjustments, loans, the
payout's own row, and a negative total.
"""

from collections import Counter

import pytest

from libs.errors import Refusal
from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import SOON, charge, load, report


@pytest.fixture
async def day(world):
    world.now = SOON
    return world


async def odd(world) -> list[str]:
    """A payout of -41.20 with every kind of row that Stripe is known to put into one."""
    made = await charge(world, 5990)
    about = {"charge": made.psp_reference, "order": "A-1"}
    return [
        stripe_row(5990, 110, **about),
        stripe_row(0, 200, kind="fee", charge="", order=""),
        stripe_row(-1000, kind="refund", **about),
        stripe_row(-4990, kind="dispute", **about),
        stripe_row(0, 1500, kind="dispute", **about),  # its fee, in a separate row
        stripe_row(-3000, kind="loan_paydown", charge="", order=""),
        stripe_row(690, kind="other_adjustment", charge="", order=""),
        stripe_row(4120, kind="payout", charge="", order=""),
    ]


async def test_the_lines_of_a_payout_add_up_to_it_and_none_is_dropped(day):
    await report(day, *await odd(day))
    lines = (await day.call("ListSettlementLines", limit=100)).data
    assert sum(line.net_minor for line in lines if line.provider_kind != "payout") == -4120
    kinds = Counter((line.provider_kind, line.kind) for line in lines)
    assert sum(kinds.values()) == 8
    (loan,) = [line for line in lines if line.provider_kind == "loan_paydown"]
    assert (loan.kind, loan.gross_minor) == (type(loan).KIND_OTHER, -3000)


async def test_a_negative_payout_matches_the_bank_debit(day):
    await report(day, *await odd(day))
    await load(day, bank_file([-4120], [bank_entry(-4120, text="po_1", day="2026-04-10")]))
    await day.call("RunReconciliation")
    (match,) = [each for each in (await day.call("ListMatches")).data if each.stage == 2]
    assert (match.amount_minor, match.ours_id[:4]) == (-4120, "pyo_")
    balances = await day.balances()
    assert (balances["bank"], balances.get("bank_in_transit", 0)) == (-4120, 0)


async def test_an_amount_with_a_fraction_of_a_cent_is_refused(day):
    row = stripe_row(100).replace(",1.00,", ",1.0000000003,")
    with pytest.raises(Refusal) as caught:
        await report(day, row)
    assert caught.value.reason == "statement_refused"
