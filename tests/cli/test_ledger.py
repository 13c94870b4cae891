"""`incasso ledger`, against a double of reporting. The tests of reporting cover `check` and `rebuild`."""

from collections.abc import AsyncIterator

import pytest

from incasso.reporting.v1 import ledger_pb2 as pb
from incasso.reporting.v1 import ledger_pb2_grpc
from libs import context
from libs.errors import Kind
from libs.server import Server
from libs.services import named as service_named
from libs.tasks import Tasks
from tests.cli.conftest import AT, Command, named

OF = ("--merchant", "mer_1")
SUMS = {"currency": "EUR", "debit_minor": 59_90, "credit_minor": 9_90}


class Ledger(ledger_pb2_grpc.LedgerServiceServicer):
    def __init__(self) -> None:
        self.asked: list[object] = []

    async def GetTrialBalance(self, request, rpc):
        assert context.current().merchant_id == "mer_1"
        self.asked.append(request)
        line = pb.AccountBalance(
            account="psp_receivable", party="sandbox-a", balance_minor=50_00, **SUMS
        )
        return pb.GetTrialBalanceResponse(data=[line], totals=[SUMS])

    async def GetAccountStatement(self, request, rpc):
        self.asked.append(request)
        line = pb.StatementLine(
            id="evt_1", kind="payments.payment.captured", amount_minor=59_90, balance_minor=70_00
        )
        return pb.GetAccountStatementResponse(data=[line], next_cursor="more")

    async def ListJournalEntries(self, request, rpc):
        self.asked.append(request)
        lines = [
            pb.JournalLine(account="psp_receivable", party="sandbox-a", debit_minor=59_90),
            pb.JournalLine(account="sales", credit_minor=59_90),
        ]
        return pb.ListJournalEntriesResponse(
            data=[pb.JournalEntry(id="evt_1", currency="EUR", lines=lines, payment_id="pay_1")]
        )

    async def ListPeriods(self, request, rpc):
        closed = pb.Period(month="2026-10", state=pb.Period.STATE_CLOSED, closed_by="key_1")
        return pb.ListPeriodsResponse(data=[pb.Period(month="2026-11", state=1), closed])

    async def ClosePeriod(self, request, rpc):
        if request.month == "2026-11":
            raise named("period_not_over", Kind.CONFLICT, "The month is not over.")
        closed = pb.Period(month=request.month, state=pb.Period.STATE_CLOSED, closed_at=AT)
        return pb.ClosePeriodResponse(period=closed)


@pytest.fixture
async def played() -> AsyncIterator[tuple[Ledger, Command]]:
    ledger = Ledger()
    added = [(ledger_pb2_grpc.add_LedgerServiceServicer_to_server, ledger)]
    server = Server(added, service_named("reporting").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    yield ledger, Command({"INCASSO_REPORTING_TARGET": f"127.0.0.1:{port}"})
    await server.stop(1)


async def test_a_trial_balance_is_printed_in_decimal_amounts(played):
    ledger, incasso = played
    done = await incasso("ledger", "balance", *OF, "--on", "2026-11-30", "--currency", "eur")
    assert done.exit_code == 0, done.output
    for text in ("psp_receivable", "sandbox-a", "59.90 EUR", "9.90 EUR", "50.00 EUR", "all"):
        assert text in done.stdout
    assert ledger.asked == [pb.GetTrialBalanceRequest(on="2026-11-30", currency="EUR")]
    found = await incasso.json("ledger", "balance", *OF)
    assert found["totals"] == [SUMS]


async def test_months_are_listed_and_closed(played):
    _, incasso = played
    done = await incasso("ledger", "periods", *OF)
    assert all(text in done.stdout for text in ("2026-11", "2026-10", "key_1"))
    assert (await incasso.json("ledger", "close", "2026-09", *OF))["state"] == "closed"
    refused = await incasso("ledger", "close", "2026-11", *OF)
    assert (refused.exit_code, "period_not_over" in refused.stderr) == (1, True)


async def test_a_statement_shows_each_entry_with_the_balance_after_it(played):
    ledger, incasso = played
    days = ("--from", "2026-11-01", "--to", "2026-11-30", "--party", "sandbox-a")
    done = await incasso("ledger", "statement", "psp_receivable", *OF, *days)
    assert all(text in done.stdout for text in ("59.90 EUR", "70.00 EUR", "evt_1", "--cursor more"))
    (asked,) = ledger.asked
    assert (asked.account, asked.currency, asked.party) == ("psp_receivable", "EUR", "sandbox-a")
    assert (asked.booked_from, asked.booked_to) == ("2026-11-01", "2026-11-30")


async def test_entries_are_shown_line_by_line(played):
    ledger, incasso = played
    done = await incasso("ledger", "entries", *OF, "--payment", "pay_1")
    for text in ("psp_receivable", "sandbox-a", "sales", "59.90 EUR", "pay_1"):
        assert text in done.stdout
    assert ledger.asked == [pb.ListJournalEntriesRequest(limit=20, payment_id="pay_1")]
    found = await incasso.json("ledger", "entries", *OF, "--order", "A-1")
    assert found["data"][0]["lines"][1]["credit_minor"] == 59_90
