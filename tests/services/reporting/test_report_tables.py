"""Reports agree with the ledger: their totals equal its balances."""

import pytest

from libs import context
from libs.errors import RemoteRefusal
from services.reporting.errors import ReportTooLong
from services.reporting.flows.reports import AskedRows, rows_within
from tests.services.reporting.files import stripe_row
from tests.services.reporting.reconciling import SOON, charge, report, run
from tests.services.reporting.shop import (
    APRIL,
    COURIER,
    cash,
    cut,
    on,
    plan_moved,
    remitted,
    sell,
    table,
    total,
)


@pytest.fixture
def shop(world):
    world.now = SOON
    return world


async def test_report_totals_equal_ledger_balances(shop):
    await sell(shop)
    balance = await shop.balances()
    sales = await table(shop, "daily_sales", **APRIL)
    assert total(sales, "gross") == -balance["sales"] - balance["cod_fees"]
    assert total(sales, "refunds") == balance["sales_refunds"]
    fees = await table(shop, "fees", **APRIL)
    assert total(fees, "fees") == balance["psp_fees"] + balance["courier_fees"]
    margins = await table(shop, "margins", **APRIL)
    earned = ("sales", "cod_fees", "sales_refunds", "psp_fees", "courier_fees")
    assert total(margins, "margin") == -sum(balance[account] for account in earned)
    vat = await table(shop, "vat_totals", **APRIL)
    assert total(vat, "supplies") == total(sales, "net")
    trial = await table(shop, "trial_balance")
    accounts = {row["account"] for row in trial}
    assert {
        account: total([row for row in trial if row["account"] == account], "balance")
        for account in accounts
    } == {account: balance.get(account, 0) for account in accounts}
    assert total(trial, "balance") == 0
    assert total(trial, "debit") == total(await table(shop, "journal", **APRIL), "amount")
    open_ = await table(shop, "instalment_ageing")
    assert total(open_, "open") == balance["customer_receivable"]
    settled = await table(shop, "settlements", **APRIL)
    assert total([row for row in settled if row["kind"] == "psp"], "fees") == balance["psp_fees"]


async def test_sales_are_listed_by_day_and_method(shop):
    await sell(shop)
    rows = await table(shop, "daily_sales", **APRIL)
    assert cut(rows, "day", "method", "currency", "gross", "refunds", "net") == [
        ("2026-04-07", "cod", "EUR", "60.00", "0.00", "60.00"),
        ("2026-04-07", "instalments", "EUR", "300.00", "0.00", "300.00"),
        ("2026-04-07", "link", "EUR", "20.00", "0.00", "20.00"),
        ("2026-04-07", "one_click", "EUR", "89.90", "0.00", "89.90"),
        ("2026-04-09", "one_click", "EUR", "0.00", "10.00", "-10.00"),
    ]
    assert await table(shop, "daily_sales", currency="USD", **APRIL) == []


async def test_a_settlement_has_its_bank_line_and_arrival_day(shop):
    await sell(shop)
    (bank,) = (await shop.call("ListBankLines")).data
    rows = await table(shop, "settlements", **APRIL)
    (payout,) = [row for row in rows if row["kind"] == "psp"]
    assert payout == {
        "payout_on": "2026-04-10",
        "kind": "psp",
        "provider": "sandbox-a",
        "payout_reference": "po_1",
        "currency": "EUR",
        "lines": "1",
        "gross": "59.90",
        "fees": "1.15",
        "net": "58.75",
        "paid_out": "58.75",
        "arrived": "58.75",
        "arrived_on": "2026-04-10",
        "bank_lines": bank.id,
    }


async def test_a_lines_fees_are_counted_under_its_payments_method(shop):
    await sell(shop)
    rows = await table(shop, "fees", **APRIL)
    assert cut(rows, "month", "kind", "provider", "method", "settled", "fees") == [
        ("2026-04-01", "courier", COURIER, "cod", "60.00", "3.00"),
        ("2026-04-01", "psp", "sandbox-a", "one_click", "59.90", "1.15"),
    ]


async def test_an_orders_margin_deducts_the_fees_of_its_lines(shop):
    made = await charge(shop, 5990, order="M-1")
    await report(
        shop,
        stripe_row(5990, 115, charge=made.psp_reference, order="", payout=""),
        stripe_row(0, 40, kind="fee", charge="", order="", payout=""),
    )
    await run(shop)
    rows = await table(shop, "margins", **APRIL)
    assert cut(rows, "order_reference", "sales", "psp_fees", "margin") == [
        ("", "0.00", "0.40", "-0.40"),
        ("M-1", "59.90", "1.15", "58.75"),
    ]


async def test_instalments_age_by_the_due_date_of_each_part(shop):
    first = {"2026-05-07": 10000, "2026-06-07": 10000}
    await shop.book(shop.event(plan_moved(first), "pln_1", on("2026-04-07")))
    paid = plan_moved({"2026-06-07": 10000}, first)
    await shop.book(shop.event(paid, "pln_1", on("2026-07-01")))
    early = await table(shop, "instalment_ageing", booked_to="2026-06-08")
    assert cut(early, "plan_id", "due_on", "days_overdue", "bucket", "open") == [
        ("pln_1", "2026-05-07", "32", "31-60", "100.00"),
        ("pln_1", "2026-06-07", "1", "1-30", "100.00"),
    ]
    late = await table(shop, "instalment_ageing", booked_to="2026-10-01")
    assert cut(late, "due_on", "bucket", "open") == [("2026-06-07", "over_90", "100.00")]


async def test_a_rescheduled_due_date_changes_the_ageing(shop):
    first = {"2026-05-07": 10000}
    await shop.book(shop.event(plan_moved(first), "pln_1", on("2026-04-07")))
    moved = plan_moved({"2026-08-07": 10000}, first)
    await shop.book(shop.event(moved, "pln_1", on("2026-04-08")))
    rows = await table(shop, "instalment_ageing", booked_to="2026-06-08")
    assert cut(rows, "due_on", "bucket", "open") == [("2026-08-07", "not_due", "100.00")]


async def test_cash_ages_by_order_until_the_courier_remits_it(shop):
    due = on("2026-04-20").replace(hour=0)
    await shop.book(
        shop.event(cash(6000, "C-1", due=due), "cod_1", on("2026-04-07")),
        shop.event(cash(4000, "C-2"), "cod_2", on("2026-04-07")),
        shop.event(remitted(3900, 100, "C-2"), "cod_2", on("2026-04-15")),
    )
    before = await table(shop, "cod_ageing", booked_to="2026-04-14")
    assert cut(before, "order_reference", "due_on", "bucket", "open") == [
        ("C-1", "2026-04-19", "not_due", "60.00"),
        ("C-2", "", "not_due", "40.00"),
    ]
    after = await table(shop, "cod_ageing", booked_to="2026-05-01")
    names = ("courier_id", "cod_order_id", "days_overdue", "bucket", "open")
    assert cut(after, *names) == [(COURIER, "cod_1", "12", "1-30", "60.00")]


async def test_till_reports_list_daily_totals_and_registration_dates_by_psp_account(shop):
    await sell(shop)
    await shop.call(
        "PutReconciliationSource",
        party="sandbox-a",
        acquirer="Sandbox S.p.A.",
        tax_code="12345678903",
    )
    days = await table(shop, "acquirer_days", **APRIL)
    assert cut(days, "day", "psp_account", "charges", "charged", "refunded", "net") == [
        ("2026-04-07", "sandbox-a", "3", "179.90", "0.00", "179.90"),
        ("2026-04-07", "sandbox-b", "1", "30.00", "0.00", "30.00"),
        ("2026-04-09", "sandbox-b", "0", "0.00", "10.00", "-10.00"),
    ]
    assert [tuple(row.values()) for row in await table(shop, "till_register")] == [
        ("sandbox-a", "Sandbox S.p.A.", "12345678903", "2026-04-07", "2026-06-06", "2026-06-30"),
        ("sandbox-b", "", "", "2026-04-07", "2026-06-06", "2026-06-30"),
    ]


async def test_an_unknown_report_or_wrong_filter_is_refused(shop):
    for reason, asked in {
        "report_not_found": {"report": "none"},
        "invalid_argument": {"report": "daily_sales"},
    }.items():
        with pytest.raises(RemoteRefusal) as caught:
            await shop.call("GetReportRows", **asked)
        assert caught.value.reason == reason
    for field, asked in {
        "booked_from": {"report": "trial_balance", "booked_from": "2026-04-01"},
        "booked_to": {"report": "journal", "booked_from": "2026-04-02", "booked_to": "2026-04-01"},
        "currency": {"report": "till_register", "currency": "EUR"},
    }.items():
        with pytest.raises(RemoteRefusal) as caught:
            await shop.call("GetReportRows", **asked)
        assert [each.field for each in caught.value.violations] == [field]


async def test_a_limited_page_of_rows_says_that_there_are_more(shop):
    await sell(shop)
    answer = await shop.call("GetReportRows", report="daily_sales", limit=2, **APRIL)
    assert (len(answer.data), answer.has_more) == (2, True)
    listed = {report.name: report for report in (await shop.call("ListReports")).data}
    assert list(listed["trial_balance"].filters) == ["booked_to", "currency"]
    assert len(listed) == 11


async def test_rows_that_take_too_long_are_refused(shop):
    asked = AskedRows("trial_balance", None, None, None, None)
    context.set_current(context.Call(merchant_id=shop.merchant_id))
    async with shop.deps.db.transaction() as tx:
        await tx.execute("LOCK TABLE balances IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(ReportTooLong):
            await rows_within(shop.deps, asked, 0.2)
