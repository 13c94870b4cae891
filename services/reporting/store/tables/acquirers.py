"""Daily totals per acquirer, and the acquirers that an Italian shop registers for its till."""

from typing import Final

from services.reporting.rules.chart import Account
from services.reporting.rules.tables import PERIOD, Report, day, money, text, whole
from services.reporting.store.tables.moves import GIVEN, MOVES, OF_ENTRY, of


def _of(kind: str) -> str:
    return f"coalesce(sum(moved_minor) FILTER (WHERE kind LIKE 'payments.{kind}'), 0)::bigint"


DAYS: Final = Report(
    "acquirer_days",
    "Charges, refunds and disputes of each PSP account by day: to compare with a till's totals.",
    (
        *day("day"),
        *text("psp_account", "currency"),
        *whole("charges"),
        *money("charged", "refunded", "disputed", "net"),
    ),
    PERIOD,
    f"""{MOVES}
SELECT moves.booked_on, party, moves.currency,
    count(*) FILTER (WHERE kind = 'payments.payment.captured'), {_of("payment.captured")},
    -{_of("payment.refund%")}, -{_of("dispute.%")}, {_of("%")}
FROM moves {OF_ENTRY} WHERE {of(Account.PSP_RECEIVABLE)} AND kind LIKE 'payments.%'
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2""",  # noqa: S608 - made of constants
)
# Registered between the 6th and the last day of the second month after the first use (art. 1 c. 74
# L. 207/2024).
REGISTER: Final = Report(
    "till_register",
    "The PSP accounts in use with their acquirer and its tax code, as set in the reconciliation"
    " sources, their first use, and the days in which it has to be registered for the till.",
    (
        *text("psp_account", "acquirer", "tax_code"),
        *day("first_used_on", "register_from", "register_until"),
    ),
    frozenset(),
    f"""{GIVEN}
SELECT used.party, coalesce(acquirer, ''), coalesce(tax_code, ''), first_on,
    (date_trunc('month', first_on) + interval '2 months 5 days')::date,
    (date_trunc('month', first_on) + interval '3 months -1 day')::date
FROM (
    SELECT party, min(booked_on) AS first_on FROM balances
    WHERE merchant_id = $1 AND account = '{Account.PSP_RECEIVABLE.value}' AND debit_minor > 0
    GROUP BY party
) AS used LEFT JOIN sources ON sources.merchant_id = $1 AND sources.party = used.party
ORDER BY first_on, used.party""",  # noqa: S608 - made of constants
)
