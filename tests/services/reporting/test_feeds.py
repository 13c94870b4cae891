"""PSPs' lists of settlements are pulled page by page, each line once, despite crashes and files with the same lines."""

from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from incasso.payments.v1 import events_pb2, payments_pb2
from libs import context, due, ids
from libs.errors import ServiceUnavailable
from services.reporting import feed_events, worker
from services.reporting.flows import feeding
from services.reporting.store import feeds
from services.reporting.store.feeds import FEEDS
from tests.services.reporting.files import stripe_row
from tests.services.reporting.reconciling import ACCOUNT, SOON, charge, report
from tests.services.reporting.striking import Striking
from tests.services.reporting.world import rows

FIELDS = {
    "kind": "charge",
    "currency": "EUR",
    "happened_on": "2026-04-07",
    "available_on": "2026-04-09",
}


def line(number: int, gross_minor: int = 5990, fee_minor: int = 110, **more):
    fields = {
        "line_reference": f"txn_f{number}",
        "psp_reference": f"ch_{number}",
        "operation_reference": f"ch_{number}",
        "payout_reference": "po_1",
        "payout_on": "2026-04-10",
    }
    return payments_pb2.PspSettlement(
        gross_minor=gross_minor, fee_minor=fee_minor, **{**FIELDS, **fields, **more}
    )


@pytest.fixture
async def fed(world):
    """A merchant with a PSP account known from payments' event, and five lines at its PSP."""
    world.now = SOON
    for _ in range(2):  # events may be redelivered
        await begin(world)
    world.settled.lines = [line(number) for number in range(1, 6)]
    return world


async def begin(world):
    account = payments_pb2.PspAccount(id="psa_1", name=ACCOUNT, psp="stripe")
    event = world.event(events_pb2.PspAccountCreated(psp_account=account), "psa_1")
    async with world.deps.db.transaction() as conn:
        await feed_events.begin(conn, event)


async def pull(world):
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="reporting"))
    await feeding.pull(world.deps, due.DueRow(world.merchant_id, "psa_1"))


async def cursor_of(world) -> str:
    return (await world.deps.db.run(FEEDS.get, world.merchant_id, "psa_1")).cursor


async def settlement_lines(world):
    return (await world.call("ListSettlementLines", limit=100)).data


async def test_all_pages_are_pulled_and_then_only_new_lines(fed):
    await pull(fed)
    assert [cursor for _, cursor in fed.settled.asked] == ["", "2", "4"]
    found = await settlement_lines(fed)
    assert (
        rows(found, "party", "gross_minor", "fee_minor", "net_minor")
        == [(ACCOUNT, 5990, -110, 5880)] * 5
    )
    fed.settled.lines.append(line(6))
    await pull(fed)
    assert fed.settled.asked[-1] == (ACCOUNT, "5")
    assert len(await settlement_lines(fed)) == 6


async def test_a_pulled_line_matches_its_payment_and_its_import_is_listed(fed):
    made = await charge(fed, 5990)
    fed.settled.lines = [line(1, psp_reference=made.psp_reference)]
    await pull(fed)
    assert (await fed.call("RunReconciliation")).matched == 1
    (imported,) = (await fed.call("ListImports")).data
    assert (imported.format, imported.psp_account, imported.lines) == ("stripe.feed", ACCOUNT, 1)
    assert imported.created_by == "reporting"
    (total,) = imported.totals
    assert (total.entries, total.credits_minor, total.debits_minor) == (1, 5880, 0)


@pytest.mark.parametrize("first", ["feed", "file"])
async def test_a_line_in_both_a_feed_and_a_file_is_stored_once(fed, first: str):
    """Whichever comes first, there is one line, with the same id."""
    fed.settled.lines = [line(1)]
    row = stripe_row(5990, 110, name="txn_f1", charge="ch_1", order="", payout="po_1")
    if first == "feed":
        await pull(fed)
        imported = await report(fed, row)
        assert (imported.lines, imported.known_lines) == (0, 1)
    else:
        await report(fed, row)
    (known,) = await settlement_lines(fed)
    await pull(fed)
    (again,) = await settlement_lines(fed)
    assert again == known
    assert (again.payout_on, again.available_on) == ("2026-04-10", "2026-04-09")
    assert again.operation_reference == "ch_1"


async def test_a_killed_pull_neither_repeats_nor_loses_lines(fed):
    """Two pages are pulled, each time for a new merchant whose feed starts from scratch."""
    fed.settled.lines = [line(number) for number in range(1, 4)]
    for at in count(1, 3):  # every third statement is enough
        fed.merchant_id = ids.new("mer")
        await begin(fed)
        struck = Striking(fed.deps.db, at)
        context.set_current(context.Call(merchant_id=fed.merchant_id, actor="reporting"))
        with suppress(ServiceUnavailable):
            await feeding.pull(replace(fed.deps, db=struck), due.DueRow(fed.merchant_id, "psa_1"))
        assert len(await settlement_lines(fed)) == int(await cursor_of(fed) or 0)
        await pull(fed)
        found = await settlement_lines(fed)
        assert len({each.provider_reference for each in found}) == len(found) == 3
        assert (await fed.balances())["bank_in_transit"] == 3 * 5880
        if struck.is_over:
            break
    assert at > 20


async def test_a_feed_moved_by_another_process_is_not_locked(fed):
    feed = await fed.deps.db.run(FEEDS.get, fed.merchant_id, "psa_1")
    async with fed.deps.db.transaction() as conn:
        await feeds.move(conn, feed, "2")
        assert await feeds.lock(conn, feed) is None


async def test_an_unanswered_pull_is_retried_later(fed):
    fed.settled.down = True
    await pull(fed)
    assert await cursor_of(fed) == ""
    fed.settled.down = False
    await worker.feed_worker(fed.deps).run_once()
    assert await cursor_of(fed) == "5"


async def test_a_fully_pulled_feed_is_due_an_hour_later(fed):
    await worker.feed_worker(fed.deps).run_once()
    count = len(fed.settled.asked)
    await worker.feed_worker(fed.deps).run_once()
    assert len(fed.settled.asked) == count
    sql = "SELECT due_at - now() > interval '59 minutes' FROM feeds WHERE merchant_id = $1"
    async with fed.deps.db.connection() as conn:
        assert await conn.fetchval(sql, fed.merchant_id)


async def test_an_account_without_a_feed_is_not_pulled(world):
    await pull(world)
    assert world.settled.asked == []


async def test_an_empty_page_only_moves_the_cursor(fed):
    fed.settled.lines = []
    await pull(fed)
    assert await cursor_of(fed) == "0"
    assert list((await fed.call("ListImports")).data) == []
    assert list(await settlement_lines(fed)) == []
