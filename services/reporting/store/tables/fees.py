"""The fees that PSPs and couriers keep."""

from typing import Final

from services.reporting.rules.chart import Account
from services.reporting.rules.tables import PERIOD, Report, day, money, text, whole
from services.reporting.store.tables.moves import MOVES, OF_ENTRY, OF_MATCH, added, earned, of

_FEES: Final = (Account.PSP_FEES, Account.COURIER_FEES)
_RECEIVABLE: Final = (Account.PSP_RECEIVABLE, Account.COURIER_RECEIVABLE)
_BOTH: Final = (*_FEES, *_RECEIVABLE)
_METHOD: Final = "coalesce(entry.method, matched.method, '')"

REPORT: Final = Report(
    "fees",
    "Fees of PSPs and couriers by month, payment method and the provider's invoice, if its report"
    " states one; `settled` is the amount they were deducted from.",
    (
        *day("month"),
        *text("kind", "provider", "method", "invoice_reference", "currency"),
        *whole("entries"),
        *money("settled", "fees"),
    ),
    PERIOD,
    f"""{MOVES}
SELECT date_trunc('month', booked_on)::date, kind, provider, method, invoice_reference, currency,
    count(*), sum(settled_minor)::bigint, sum(fee_minor)::bigint
FROM (
    SELECT moves.booked_on, CASE WHEN account LIKE 'courier%' THEN 'courier' ELSE 'psp' END AS kind,
        moves.party AS provider, {_METHOD} AS method, coalesce(line.invoice_reference, '') AS invoice_reference,
        moves.currency, {earned(*_RECEIVABLE)} AS settled_minor, {added(*_FEES)} AS fee_minor
    FROM moves {OF_ENTRY} {OF_MATCH}
    LEFT JOIN settlement_lines AS line ON line.merchant_id = $1 AND line.id = entry.resource_id
        AND line.happened_on = entry.happened_on
    WHERE {of(*_BOTH)} GROUP BY moves.entry_id, 1, 2, 3, 4, 5, 6
) AS of_entry
WHERE fee_minor <> 0 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6""",  # noqa: S608 - made of constants
)
