"""SQL that reports share: the two sides of each posting, and sums of accounts."""

from typing import Final

from services.reporting.rules.chart import Account

# Gives all parameters their types, even those that a report does not use.
GIVEN: Final = "WITH given AS (SELECT $1::text, $2::date, $3::date, $4::text)"
# Each posting as two amounts, for the debited and the credited account; positive for debits.
MOVES: Final = f"""{GIVEN}, moves AS (
    SELECT booked_on, happened_on, entry_id, currency, account, party, moved_minor
    FROM postings CROSS JOIN LATERAL (VALUES (debit_account, debit_party, amount_minor),
        (credit_account, credit_party, -amount_minor)) AS side (account, party, moved_minor)
    WHERE merchant_id = $1 AND booked_on BETWEEN coalesce($2, '-infinity') AND $3
        AND ($4::text IS NULL OR currency = $4)
)"""  # noqa: S608 - made of constants
# The event dates of entries booked in the period: its own days, and earlier ones for entries that came after their
# month was closed. Without this bound, a report of one month reads the entries of all years.
HAPPENED: Final = """BETWEEN least(coalesce($2, '-infinity'), (
    SELECT min(happened_on) FROM late_entries JOIN postings USING (merchant_id, booked_on, entry_id)
    WHERE merchant_id = $1 AND booked_on BETWEEN coalesce($2, '-infinity') AND $3)) AND $3"""
OF_ENTRY: Final = (
    "JOIN entries AS entry ON entry.merchant_id = $1 AND entry.id = moves.entry_id"
    f" AND entry.happened_on = moves.happened_on AND entry.happened_on {HAPPENED}"
)
# The entry of the payment that reconciliation matched with a line.
OF_MATCH: Final = """
LEFT JOIN LATERAL (
    SELECT ours.method, matches.order_reference FROM matches LEFT JOIN entries AS ours
        ON ours.merchant_id = $1 AND ours.id = matches.ours_id
    WHERE matches.merchant_id = $1 AND matches.theirs_id = entry.resource_id LIMIT 1
) AS matched ON entry.kind = 'reporting.settlement_line.imported'"""


def added(*accounts: Account) -> str:
    """The net debits of accounts."""
    names = ", ".join(f"'{account.value}'" for account in accounts)
    return f"coalesce(sum(moved_minor) FILTER (WHERE account IN ({names})), 0)::bigint"


def earned(*accounts: Account) -> str:
    """The net credits of accounts."""
    return f"(-{added(*accounts)})"


def of(*accounts: Account) -> str:
    names = ", ".join(f"'{account.value}'" for account in accounts)
    return f"account IN ({names})"
