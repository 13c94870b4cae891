"""What customers and couriers still owe at the end of a day, and how long it is overdue."""

from typing import Final

from services.reporting.rules.chart import Account
from services.reporting.rules.tables import AS_OF, Report, day, money, text, whole
from services.reporting.store.tables.moves import MOVES, OF_ENTRY, of

_BUCKET: Final = """CASE WHEN due_on IS NULL OR due_on >= $3 THEN 'not_due'
        WHEN $3 - due_on <= 30 THEN '1-30' WHEN $3 - due_on <= 60 THEN '31-60'
        WHEN $3 - due_on <= 90 THEN '61-90' ELSE 'over_90' END"""


def _sql(account: Account, *, by_due_date: bool) -> str:
    """The amounts that an entry adds are due on the days that it states; the rest has no due date."""
    due = "due_on" if by_due_date else "max(due_on)"
    return f"""{MOVES}, owed AS (
    SELECT moves.party, entry.resource_id, entry.order_reference, moves.currency, entry.dues,
        sum(moved_minor)::bigint AS moved_minor
    FROM moves {OF_ENTRY} WHERE {of(account)}
    GROUP BY moves.entry_id, 1, 2, 3, 4, 5
    UNION ALL
    SELECT '', resource_id, order_reference, currency, dues, 0 FROM entries
    WHERE merchant_id = $1 AND dues IS NOT NULL AND booked_on <= $3
        AND ($4::text IS NULL OR currency = $4)
        AND NOT EXISTS (SELECT FROM postings WHERE postings.merchant_id = $1
            AND postings.booked_on = entries.booked_on AND postings.entry_id = entries.id
            AND '{account.value}' IN (debit_account, credit_account))
        AND kind LIKE '{_KINDS[account]}'
), parts AS (
    SELECT party, resource_id, order_reference, currency, due.key::date AS due_on,
        due.value::bigint AS part_minor
    FROM owed CROSS JOIN LATERAL jsonb_each_text(dues) AS due WHERE dues IS NOT NULL
    UNION ALL
    SELECT party, resource_id, order_reference, currency, NULL, moved_minor - coalesce(
        (SELECT sum(due.value::bigint) FROM jsonb_each_text(dues) AS due), 0)
    FROM owed
), open AS (
    SELECT max(party) AS party, resource_id, coalesce(max(order_reference), '') AS order_reference,
        currency, {due} AS due_on, sum(part_minor)::bigint AS open_minor
    FROM parts GROUP BY resource_id, currency{", due_on" if by_due_date else ""}
)
SELECT {"" if by_due_date else "party, "}resource_id, order_reference, currency, due_on,
    greatest($3 - due_on, 0), {_BUCKET}, open_minor
FROM open WHERE open_minor <> 0 ORDER BY currency, due_on NULLS LAST, resource_id"""  # noqa: S608 - made of constants


_KINDS: Final = {
    Account.CUSTOMER_RECEIVABLE: "instalments.%",
    Account.COURIER_RECEIVABLE: "cod.%",
}
_OPEN: Final = (
    *text("order_reference", "currency"),
    *day("due_on"),
    *whole("days_overdue"),
    *text("bucket"),
    *money("open"),
)
INSTALMENTS: Final = Report(
    "instalment_ageing",
    "Principal that customers owe at the end of a day, by plan and due date.",
    (*text("plan_id"), *_OPEN),
    AS_OF,
    _sql(Account.CUSTOMER_RECEIVABLE, by_due_date=True),
)
CASH: Final = Report(
    "cod_ageing",
    "Cash that couriers owe at the end of a day, by order; due by their terms.",
    (*text("courier_id", "cod_order_id"), *_OPEN),
    AS_OF,
    _sql(Account.COURIER_RECEIVABLE, by_due_date=False),
)
