from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest

from incasso.payments.v1 import events_pb2 as payments
from libs import ids
from libs.errors import RemoteRefusal
from tests.services.reporting.world import (
    TRACE,
    captured,
    dispute,
    later,
    payment,
    refund_failed,
    refunded,
    rows,
)


async def refusal(work) -> str:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value.reason


async def test_captures_less_refunds_are_receivable_from_the_psp(world):
    paid = payment(5990)
    await world.book(world.event(captured(paid)), world.event(refunded(paid, 1000)))
    answer = await world.call("GetTrialBalance", by_party=True)
    assert rows(
        answer.data, "account", "party", "debit_minor", "credit_minor", "balance_minor"
    ) == [
        ("psp_receivable", "sandbox-a", 5990, 1000, 4990),
        ("sales", "", 0, 5990, -5990),
        ("sales_refunds", "", 1000, 0, 1000),
    ]
    assert rows(answer.totals, "currency", "debit_minor", "credit_minor") == [("EUR", 6990, 6990)]


async def test_a_payment_of_an_instalment_is_not_a_sale(world):
    by_plan = payment(5000, method="instalments")
    by_link = payment(3000, method="link", order_part="instalment:2")
    await world.book(*(world.event(captured(one)) for one in (by_plan, by_link)))
    assert await world.balances() == {"psp_receivable": 8000, "instalments_clearing": -8000}


async def test_only_a_failed_refund_that_had_succeeded_is_reversed(world):
    paid = payment(5000)
    await world.book(
        world.event(refund_failed(paid, 700, had_succeeded=True)),
        world.event(refund_failed(paid, 900, had_succeeded=False)),
        world.event(refunded(paid, 700)),
        world.event(captured(paid)),
    )
    assert await world.balances() == {"psp_receivable": 5000, "sales": -5000}
    assert len((await world.call("ListJournalEntries", payment_id=paid.id)).data) == 3


async def test_a_dispute_holds_the_money_until_it_is_lost_or_won(world):
    paid = payment(5000)
    open_, lost, won = (dispute(paid, state, 5000) for state in ("open", "lost", "won"))
    await world.book(
        world.event(captured(paid)),
        world.event(payments.DisputeOpened(payment=paid, dispute=open_)),
    )
    assert await world.balances() == {"disputes_held": 5000, "sales": -5000}
    closed = payments.DisputeClosed(payment=paid, dispute=lost, previous=open_)
    await world.book(world.event(closed))
    assert await world.balances() == {"dispute_losses": 5000, "sales": -5000}
    on_appeal = payments.DisputeClosed(payment=paid, dispute=won, previous=lost)
    await world.book(world.event(on_appeal))
    assert await world.balances() == {"psp_receivable": 5000, "sales": -5000}


async def test_a_dispute_whose_events_arrive_out_of_order_is_booked_once(world):
    paid, other = payment(5000), payment(4000)
    lost = dispute(paid, "lost", 5000)
    before, after = dispute(other, "open", 4000), dispute(other, "open", 2500)
    await world.book(
        world.event(payments.DisputeClosed(payment=paid, dispute=lost)),
        world.event(payments.DisputeOpened(payment=paid, dispute=lost)),
        world.event(payments.DisputeUpdated(payment=other, dispute=after, previous=before)),
        world.event(payments.DisputeOpened(payment=other, dispute=before)),
    )
    assert await world.balances() == {
        "disputes_held": 2500,
        "dispute_losses": 5000,
        "psp_receivable": -7500,
    }


async def test_a_redelivered_event_is_booked_once(world):
    event = world.event(captured(payment(5990)))
    await world.book(event, event)
    await world.book(event)
    assert await world.balances() == {"psp_receivable": 5990, "sales": -5990}


async def test_a_trial_balance_is_per_currency_and_as_of_a_day(world):
    yen = payment(60000)
    yen.amount.currency = "JPY"
    await world.book(
        world.event(captured(payment(100))),
        world.event(captured(payment(30)), at=later(days=1)),
        world.event(captured(yen)),
    )
    assert await world.balances(currency="EUR", on="2026-11-21") == {
        "psp_receivable": 100,
        "sales": -100,
    }
    assert await world.balances(currency="EUR", on="2026-11-20") == {}
    totals = (await world.call("GetTrialBalance")).totals
    assert rows(totals, "currency", "debit_minor") == [("EUR", 130), ("JPY", 60000)]


async def test_an_entry_has_its_lines_event_trace_and_order(world):
    paid = payment(5990)
    event = world.event(captured(paid), about=paid.id)
    await world.book(event, world.event(captured(payment(1, order_reference="A-2"))))
    (entry,) = (await world.call("ListJournalEntries", event_id=event.event_id)).data
    assert (entry.kind, entry.resource_id, entry.payment_id, entry.order_reference) == (
        "payments.payment.captured",
        paid.id,
        paid.id,
        "A-1001",
    )
    assert (entry.trace_id, entry.booked_on) == (TRACE, "2026-11-21")
    assert rows(entry.lines, "account", "party", "debit_minor", "credit_minor") == [
        ("psp_receivable", "sandbox-a", 5990, 0),
        ("sales", "", 0, 5990),
    ]
    for asked in ({"order_reference": "A-2"}, {"trace_id": "none"}, {"limit": 1}):
        found = await world.call("ListJournalEntries", **asked)
        assert [line.debit_minor for one in found.data for line in one.lines[:1]] == (
            [] if "trace_id" in asked else [1]
        )


async def test_a_statement_has_running_balances_across_its_pages(world):
    one, two = payment(100), payment(50, psp_account="sandbox-b")
    events = [
        world.event(captured(one)),
        world.event(captured(two), at=later(days=1)),
        world.event(refunded(one, 30), at=later(days=1, hours=1)),
        world.event(captured(payment(7)), at=later(days=2)),
    ]
    await world.book(*reversed(events))
    asked = {"account": "psp_receivable", "currency": "EUR", "limit": 3}
    first = await world.call("GetAccountStatement", **asked)
    rest = await world.call("GetAccountStatement", **asked, cursor=first.next_cursor)
    assert rows([*first.data, *rest.data], "id", "amount_minor", "balance_minor") == [
        (events[3].event_id, 7, 127),
        (events[2].event_id, -30, 120),
        (events[1].event_id, 50, 150),
        (events[0].event_id, 100, 100),
    ]
    assert not rest.HasField("next_cursor")
    of_b = await world.call("GetAccountStatement", **asked, party="sandbox-b")
    assert rows(of_b.data, "amount_minor", "balance_minor") == [(50, 50)]
    of_a_day = {"booked_from": "2026-11-22", "booked_to": "2026-11-22"}
    on_it = await world.call("GetAccountStatement", **asked, **of_a_day)
    assert rows(on_it.data, "amount_minor", "balance_minor") == [(-30, 120), (50, 150)]
    in_dollars = await world.call("GetAccountStatement", account="sales", currency="USD")
    assert list(in_dollars.data) == []


async def test_an_unknown_account_and_a_foreign_cursor_are_refused(world):
    asked = {"account": "petty_cash", "currency": "EUR"}
    assert await refusal(world.call("GetAccountStatement", **asked)) == "account_not_found"
    await world.book(world.event(captured(payment(1))), world.event(captured(payment(2))))
    asked = {"account": "sales", "currency": "EUR", "limit": 1}
    cursor = (await world.call("GetAccountStatement", **asked)).next_cursor
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await refusal(stranger.call("GetAccountStatement", **asked, cursor=cursor)) == (
        "cursor_invalid"
    )


async def test_another_merchant_sees_nothing(world):
    event = world.event(captured(payment(5990)))
    await world.book(event)
    stranger = replace(world, merchant_id=ids.new("mer"))
    assert await stranger.balances() == {}
    for asked in ({}, {"event_id": event.event_id}, {"trace_id": TRACE}):
        assert list((await stranger.call("ListJournalEntries", **asked)).data) == []
    asked = {"account": "sales", "currency": "EUR"}
    assert await refusal(stranger.call("GetAccountStatement", **asked)) == "account_not_found"
    assert list((await stranger.call("ListPeriods")).data) == []


@pytest.mark.parametrize("table", ["entries", "postings"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET currency = 'USD'"])
async def test_entries_and_postings_cannot_be_changed_or_deleted(world, table, change):
    await world.book(world.event(captured(payment(5990))))
    async with world.deps.db.connection() as conn:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append only"):
            await conn.execute(change.format(table))


async def test_distant_months_share_a_partition_and_recent_ones_have_their_own(world):
    far = [datetime(year, 3, 1, tzinfo=UTC) for year in (1990, 2099)]
    await world.book(*(world.event(captured(payment(1)), at=at) for at in (*far, later())))
    sql = "SELECT tableoid::regclass::text FROM entries WHERE merchant_id = $1 ORDER BY happened_on"
    async with world.deps.db.connection() as conn:
        found = [row[0] for row in await conn.fetch(sql, world.merchant_id)]
    assert found == ["entries_rest", "entries_202611", "entries_rest"]


async def test_a_late_fact_is_booked_in_the_first_open_month_and_keeps_its_day(world):
    october, november = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    known = world.event(captured(payment(100)), at=october)
    await world.book(known, world.event(captured(payment(1)), at=later()))
    period = (await world.call("ClosePeriod", month="2026-10")).period
    assert (period.month, period.closed_by) == ("2026-10", "key_finance")
    late = world.event(captured(payment(20)), at=october)
    await world.book(known, late, world.event(captured(payment(3)), at=november))
    assert (await world.balances(on="2026-10-31"))["sales"] == -100
    assert (await world.balances(on="2026-11-01"))["sales"] == -120
    assert (await world.balances())["sales"] == -124
    (entry,) = (await world.call("ListJournalEntries", event_id=late.event_id)).data
    assert (entry.happened_on, entry.booked_on, entry.closed_month) == (
        "2026-10-05",
        "2026-11-01",
        "2026-10",
    )


async def test_closing_a_month_closes_those_before_it_once(world):
    september = datetime(2026, 9, 5, tzinfo=UTC)
    await world.book(
        world.event(captured(payment(1)), at=september), world.event(captured(payment(1)))
    )
    first = (await world.call("ClosePeriod", month="2026-10")).period
    assert (await world.call("ClosePeriod", month="2026-10")).period == first
    earlier = (await world.call("ClosePeriod", month="2026-09")).period
    assert earlier.closed_at == first.closed_at
    found = (await world.call("ListPeriods")).data
    closed, open_ = first.STATE_CLOSED, first.STATE_OPEN
    assert rows(found, "month", "state") == [
        ("2026-11", open_),
        ("2026-10", closed),
        ("2026-09", closed),
    ]
    async with world.deps.db.connection() as conn:
        sql = "SELECT count(*) FROM outbox WHERE merchant_id = $1"
        assert await conn.fetchval(sql, world.merchant_id) == 1


async def test_a_month_that_is_not_over_is_not_closed(world):
    assert await refusal(world.call("ClosePeriod", month="2026-11")) == "period_not_over"
