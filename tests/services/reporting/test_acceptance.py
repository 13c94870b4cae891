"""The acceptance rate of one-click payments: by order, paid or declined, with and without a session."""

import pytest

from tests.services.reporting.kpi_events import refused, sold
from tests.services.reporting.test_kpis import ABSENT, NOVEMBER, deliver

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def clicks(world, **asked) -> tuple:
    answer = await world.call("GetKpis", **{**NOVEMBER, **asked})
    found = answer.one_click_acceptance
    return found.asked, found.paid, found.rate_basis_points


async def test_one_click_acceptance_counts_each_order_once_as_paid_or_declined(world):
    """A-1 is paid at once, A-2 after a decline, A-3 eventually by a link, A-4 and A-5 never."""
    await deliver(
        world,
        sold(5000, "A-1"),
        *(refused(order) for order in ("A-2", "A-3", "A-4", "A-4", "A-5")),
        sold(5000, "A-2"),
        sold(5000, "A-3", method="link"),
        refused("A-6", method="link"),
    )
    assert await clicks(world) == (4, 2, 5_000)
    assert await clicks(world, to_day="2026-11-20") == (0, 0, ABSENT)
    assert await clicks(world, currency="CHF") == (0, 0, ABSENT)
