"""Totals for computing VAT. Incasso knows neither VAT rates nor countries of delivery."""

from typing import Final

from services.reporting.rules.chart import Account
from services.reporting.rules.tables import PERIOD, Report, day, money, text
from services.reporting.store.tables.moves import MOVES, OF_ENTRY, added, earned, of

_SUPPLIES: Final = (Account.SALES, Account.COD_FEES, Account.SALES_REFUNDS)
_CREDIT: Final = (Account.INSTALMENT_INTEREST, Account.INSTALMENT_FEES)  # art. 10 n. 1 DPR 633/1972
_PENALTY: Final = (Account.LATE_FEES,)  # art. 15 DPR 633/1972

REPORT: Final = Report(
    "vat_totals",
    "Supplies less refunds, VAT included, and income from credit and penalties, by day, currency"
    " and payment method. Rates and countries are those of the shop's own orders.",
    (
        *day("month", "day"),
        *text("method", "currency"),
        *money("sales", "cod_fees", "refunds", "supplies", "credit_income", "late_fees"),
    ),
    PERIOD,
    f"""{MOVES}
SELECT date_trunc('month', moves.booked_on)::date, moves.booked_on, coalesce(entry.method, ''),
    moves.currency, {earned(Account.SALES)}, {earned(Account.COD_FEES)},
    {added(Account.SALES_REFUNDS)}, {earned(*_SUPPLIES)}, {earned(*_CREDIT)}, {earned(*_PENALTY)}
FROM moves {OF_ENTRY} WHERE {of(*_SUPPLIES, *_CREDIT, *_PENALTY)}
GROUP BY 1, 2, 3, 4 ORDER BY 2, 4, 3""",  # noqa: S608 - made of constants
)
