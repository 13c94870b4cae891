"""The trial balance by account and counterparty."""

from typing import Final

from services.reporting.rules.tables import AS_OF, Report, money, text
from services.reporting.store.tables.moves import GIVEN

REPORT: Final = Report(
    "trial_balance",
    "Debits and credits of each account up to a day, by counterparty: the sum of balances is zero.",
    (*text("account", "party", "currency"), *money("debit", "credit", "balance")),
    AS_OF,
    f"""{GIVEN}
SELECT account, party, currency, sum(debit_minor)::bigint, sum(credit_minor)::bigint,
    (sum(debit_minor) - sum(credit_minor))::bigint
FROM balances WHERE merchant_id = $1 AND booked_on <= $3 AND ($4::text IS NULL OR currency = $4)
GROUP BY currency, account, party ORDER BY currency, account, party""",  # noqa: S608 - made of constants
)
