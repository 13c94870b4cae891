"""SQL that queries the ledger."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from libs.db import Conn, Row

MOST_POSTINGS: Final = 16  # per entry, on one side of one account
_EVER: Final = date(9999, 12, 31)
_FIRST: Final = date(1, 1, 1)


async def totals(
    conn: Conn, merchant_id: str, *, on: date | None, currency: str | None, by_party: bool
) -> Sequence[Row]:
    """Totals by account and currency, summed from the daily balances."""
    return await conn.fetch(
        "SELECT account, CASE WHEN $4 THEN party ELSE '' END AS party, currency,"
        " sum(debit_minor)::bigint AS debit_minor, sum(credit_minor)::bigint AS credit_minor"
        " FROM balances WHERE merchant_id = $1 AND booked_on <= $2"
        " AND ($3::text IS NULL OR currency = $3) GROUP BY 1, 2, 3",
        merchant_id,
        on or _EVER,
        currency,
        by_party,
    )


_SIDE: Final = """
(SELECT booked_on, entry_id, happened_on, {sign}amount_minor AS amount FROM postings
    WHERE merchant_id = $1 AND {side}_account = $2 AND currency = $3
        AND ($4::text IS NULL OR {side}_party = $4)
        AND booked_on >= $5 AND booked_on <= $6 AND (booked_on, entry_id) < ($7, $8)
    ORDER BY booked_on DESC, entry_id DESC LIMIT $9 * {most})"""
_SIDES: Final = " UNION ALL ".join(
    _SIDE.format(side=side, sign=sign, most=MOST_POSTINGS)
    for side, sign in (("debit", ""), ("credit", "-"))
)
_STATEMENT: Final = f"""
SELECT entries.id, entries.kind, page.booked_on, entries.happened_on, page.amount_minor,
    entries.payment_id, entries.order_reference, entries.trace_id
FROM (
    SELECT booked_on, entry_id, happened_on, sum(amount)::bigint AS amount_minor
    FROM ({_SIDES}) AS sides
    GROUP BY booked_on, entry_id, happened_on ORDER BY booked_on DESC, entry_id DESC LIMIT $9
) AS page
JOIN entries ON entries.merchant_id = $1 AND entries.id = page.entry_id
    AND entries.happened_on = page.happened_on
ORDER BY page.booked_on DESC, page.entry_id DESC"""  # noqa: S608 - made of constants


async def statement(
    conn: Conn,
    merchant_id: str,
    account: str,
    currency: str,
    *,
    party: str | None,
    booked_from: date | None,
    booked_to: date | None,
    before: tuple[date, str] | None,
    limit: int,
) -> Sequence[Row]:
    """Effects of entries on an account, newest first. `before`: the previous row's day and entry id."""
    day, entry_id = before or (_EVER, "~")
    return await conn.fetch(
        _STATEMENT,
        merchant_id,
        account,
        currency,
        party,
        booked_from or _FIRST,
        booked_to or _EVER,
        day,
        entry_id,
        limit,
    )


_OF_THE_DAY: Final = " + ".join(
    f"coalesce((SELECT sum({sign}amount_minor) FROM postings WHERE merchant_id = $1"  # noqa: S608 - made of constants
    f" AND {side}_account = $2 AND currency = $3 AND ($4::text IS NULL OR {side}_party = $4)"
    " AND booked_on = $5 AND entry_id <= $6), 0)"
    for side, sign in (("debit", ""), ("credit", "-"))
)


async def balance_after(
    conn: Conn,
    merchant_id: str,
    account: str,
    currency: str,
    *,
    party: str | None,
    day: date,
    entry_id: str,
) -> int:
    """An account's balance after this entry: earlier days, plus the entry's day up to the entry."""
    found: int = await conn.fetchval(
        "SELECT (coalesce((SELECT sum(debit_minor - credit_minor) FROM balances"  # noqa: S608 - made of constants
        " WHERE merchant_id = $1 AND account = $2 AND currency = $3"
        f" AND ($4::text IS NULL OR party = $4) AND booked_on < $5), 0) + {_OF_THE_DAY})::bigint",
        merchant_id,
        account,
        currency,
        party,
        day,
        entry_id,
    )
    return found


async def is_used(conn: Conn, merchant_id: str, account: str) -> bool:
    """Whether anything was ever booked on the account."""
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM balances WHERE merchant_id = $1 AND account = $2)",
        merchant_id,
        account,
    )
    return found


async def booked_on(conn: Conn, merchant_id: str, entry_id: str) -> date | None:
    day: date | None = await conn.fetchval(
        "SELECT booked_on FROM entries WHERE merchant_id = $1 AND id = $2", merchant_id, entry_id
    )
    return day


async def postings(
    conn: Conn, merchant_id: str, entries: Sequence[tuple[str, date]]
) -> Sequence[Row]:
    """The postings of these entries, which are given by id and booking date."""
    return await conn.fetch(
        "SELECT entry_id, debit_account, debit_party, credit_account, credit_party, amount_minor"
        " FROM unnest($2::text[], $3::date[]) AS asked (entry_id, booked_on)"
        " JOIN postings USING (entry_id, booked_on) WHERE merchant_id = $1"
        " ORDER BY entry_id, number",
        merchant_id,
        [entry_id for entry_id, _ in entries],
        [day for _, day in entries],
    )
