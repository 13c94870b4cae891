"""The ledger depends only on the set of events: not on their order, repeats or batches."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs import context, ids
from libs.bus import Event
from libs.db import Database
from services.reporting import worker
from tests.services.reporting.ledger_events import EVENTS, dump, of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def batches(events: Sequence[Event], sizes: Sequence[int]) -> Iterator[Sequence[Event]]:
    """Splits the events into batches of these sizes; the last size repeats."""
    left, number = list(events), 0
    while left:
        size = sizes[min(number, len(sizes) - 1)]
        yield left[:size]
        left, number = left[size:], number + 1


async def book(db: Database, events: Sequence[Event], time_zone: str = "UTC") -> None:
    """Books events like the consumer, but without its inbox, which would filter repeats."""

    async def zone_of(merchant_id: str) -> str:
        return time_zone

    context.set_current(context.Call(actor="reporting"))
    async with db.transaction() as tx:
        await worker.handlers(zone_of)[events[0].subject].handle(tx, events)


@settings(max_examples=40)
@given(
    st.lists(EVENTS, min_size=1, max_size=25),
    st.data(),
    st.lists(st.integers(1, 12), min_size=1, max_size=5),
    st.sampled_from(["UTC", "Europe/Rome", "Pacific/Auckland"]),
)
async def test_any_order_and_repeats_in_batches_of_any_size_are_the_same_ledger(
    database, told, data, sizes, zone
):
    first, second = ids.new("mer"), ids.new("mer")
    await book(database, of(first, told), zone)
    repeated = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)))))
    for batch in batches(of(second, repeated), sizes):
        await book(database, batch, zone)
    ledger = await dump(database, first)
    assert ledger == await dump(database, second)
    assert ledger.count("\nentries ") < len(told)
    await check_that_it_balances(database, second)


async def check_that_it_balances(database: Database, merchant_id: str) -> None:
    """Asserts that debits equal credits in each currency, and balances equal the sums of postings."""
    async with database.connection() as conn:
        rows = await conn.fetch(
            "SELECT sum(debit_minor) AS debit, sum(credit_minor) AS credit, (SELECT sum(amount_minor)"
            " FROM postings WHERE merchant_id = $1 AND currency = balances.currency) AS moved"
            " FROM balances WHERE merchant_id = $1 GROUP BY currency",
            merchant_id,
        )
    assert all(row["debit"] == row["credit"] == row["moved"] for row in rows)
