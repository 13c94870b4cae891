"""A report of a month reads only that month, however many years the ledger has; late entries are in it, too."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.reporting.rules.tables import PERIOD
from services.reporting.store.tables.registry import REPORTS
from tests.services.reporting.shop import cut, table
from tests.services.reporting.world import captured, later, payment

OCTOBER, NOVEMBER = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
ASKED = (date(2026, 11, 1), date(2026, 11, 30), None)
# These find the entry of each match by its id, in any month.
OF_MATCHES = {"fees", "margins"}


def read_tables(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Actual Loops"] and "Relation Name" in plan:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from read_tables(part)


@pytest.mark.parametrize(
    "name",
    [
        report.name
        for report in REPORTS.values()
        if report.takes == PERIOD and report.name not in OF_MATCHES
    ],
)
async def test_a_months_report_reads_no_partition_of_other_months(world, name):
    months = [datetime(2026, month, 5, tzinfo=UTC) for month in (7, 8, 9, 10, 11)]
    await world.book(*(world.event(captured(payment(100)), at=at) for at in (*months, later())))
    async with world.deps.db.connection() as conn:
        sql = f"EXPLAIN (ANALYZE, FORMAT JSON) {REPORTS[name].sql}"
        (explained,) = json.loads(await conn.fetchval(sql, world.merchant_id, *ASKED))
    entries = {one for one in read_tables(explained["Plan"]) if one.startswith("entries_")}
    assert entries <= {"entries_202611", "entries_rest"}


async def test_a_late_entry_of_a_closed_month_is_in_the_next_months_reports(world):
    known = world.event(captured(payment(100)), at=OCTOBER)
    await world.book(known, world.event(captured(payment(1)), at=later()))
    await world.call("ClosePeriod", month="2026-10")
    late = world.event(captured(payment(2000)), at=OCTOBER)
    await world.book(late, world.event(captured(payment(300)), at=NOVEMBER))
    month = {"booked_from": "2026-11-01", "booked_to": "2026-11-04"}
    sales = await table(world, "daily_sales", **month)
    assert cut(sales, "day", "gross") == [("2026-11-01", "20.00"), ("2026-11-03", "3.00")]
    journal = await table(world, "journal", **month)
    assert cut(journal, "happened_on") == [("2026-10-05",), ("2026-11-03",)]
