"""Reads the ledger: trial balance, statements, journal."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from libs import context, pages
from libs.db import Row
from libs.errors import CursorInvalid, required
from libs.pages import Listed, Page
from services.reporting.deps import Deps
from services.reporting.errors import AccountNotFound
from services.reporting.rules import reports
from services.reporting.rules.chart import Account, Place
from services.reporting.rules.reports import JournalLine, StatementLine, TrialBalance
from services.reporting.store import reports as store


async def trial_balance(
    deps: Deps, *, on: date | None, currency: str | None, by_party: bool
) -> TrialBalance:
    """`on`: the last day, inclusive."""
    rows = await deps.db.run(
        store.totals, context.merchant_id(), on=on, currency=currency, by_party=by_party
    )
    return reports.trial_balance(
        reports.balance_of(
            row["account"],
            row["party"],
            row["currency"],
            row["debit_minor"],
            row["credit_minor"],
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class AskedStatement:
    account: str
    currency: str
    party: str | None
    booked_from: date | None
    booked_to: date | None
    limit: int | None
    cursor: str | None


async def statement(deps: Deps, asked: AskedStatement) -> Listed[StatementLine]:
    """Raises AccountNotFound, CursorInvalid."""
    merchant_id = context.merchant_id()
    page = pages.page_of(limit=asked.limit or 0, cursor=asked.cursor or "", prefix="evt")
    async with deps.db.snapshot() as conn:
        before = None
        if asked.cursor:
            day = await store.booked_on(conn, merchant_id, page.before)
            before = required(day, CursorInvalid), page.before
        rows = await store.statement(
            conn,
            merchant_id,
            asked.account,
            asked.currency,
            party=asked.party,
            booked_from=asked.booked_from,
            booked_to=asked.booked_to,
            before=before,
            limit=page.limit + 1,
        )
        if not rows:
            if not await store.is_used(conn, merchant_id, asked.account):
                raise AccountNotFound
            return Listed(())
        balance = await store.balance_after(
            conn,
            merchant_id,
            asked.account,
            asked.currency,
            party=asked.party,
            day=rows[0]["booked_on"],
            entry_id=rows[0]["id"],
        )
    return _listed(rows, balance, page)


def _listed(rows: Sequence[Row], balance_minor: int, page: Page) -> Listed[StatementLine]:
    """`balance_minor`: the balance after the first row, the newest."""
    lines = []
    for row in rows:
        lines.append(StatementLine(**dict(row), balance_minor=balance_minor))
        balance_minor -= row["amount_minor"]
    kept, cursor = pages.cut(lines, page)
    return Listed(kept, cursor or None)


async def lines_of(
    deps: Deps, entries: Sequence[tuple[str, date]]
) -> dict[str, Sequence[JournalLine]]:
    """The lines by entry id. `entries`: ids and booking dates."""
    rows = await deps.db.run(store.postings, context.merchant_id(), entries)
    moves: dict[str, list[tuple[Place, Place, int]]] = defaultdict(list)
    for row in rows:
        debit = Place(Account(row["debit_account"]), row["debit_party"])
        credit = Place(Account(row["credit_account"]), row["credit_party"])
        moves[row["entry_id"]].append((debit, credit, row["amount_minor"]))
    return {entry_id: reports.lines_of(of_entry) for entry_id, of_entry in moves.items()}
