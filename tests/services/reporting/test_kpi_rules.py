"""Requests that KPIs refuse, and how their values are rounded."""

import pytest

from incasso.common.v1.money_pb2 import Money
from services.reporting.rules import ratios
from tests.services.reporting.test_kpis import NOVEMBER, YEAR
from tests.services.reporting.test_ledger import refusal


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("rpc", "asked"),
    [
        ("GetKpis", {**NOVEMBER, "to_day": "2026-10-31"}),
        ("GetKpis", {**NOVEMBER, "to_day": "2036-11-30"}),
        ("GetLifetimeValues", {**YEAR, "to_day": "2025-12-31"}),
        ("PutRetentionSpend", {"year": 2026, "amount": Money(amount_minor=-1, currency="EUR")}),
    ],
)
async def test_invalid_ranges_and_amounts_are_refused(world, rpc, asked):
    assert await refusal(world.call(rpc, **asked)) == "invalid_argument"


def test_ratios_are_rounded_half_up_and_division_by_zero_is_undefined():
    assert [ratios.divided(n, 4) for n in (1, 2, 5, 6, -1, -2, -6)] == [0, 1, 1, 2, 0, -1, -2]
    assert ratios.divided(5, 0) is None
