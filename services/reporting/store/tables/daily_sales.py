"""Sales per day, currency and payment method."""

from typing import Final

from services.reporting.rules.chart import Account
from services.reporting.rules.tables import PERIOD, Report, day, money, text
from services.reporting.store.tables.moves import MOVES, OF_ENTRY, added, earned, of

_SOLD: Final = (Account.SALES, Account.COD_FEES)
_SALES: Final = (*_SOLD, Account.SALES_REFUNDS)

REPORT: Final = Report(
    "daily_sales",
    "Sales, fees for paying at the door and refunds by day, currency and payment method.",
    (
        *day("day"),
        *text("method", "currency"),
        *money("sales", "cod_fees", "gross", "refunds", "net"),
    ),
    PERIOD,
    f"""{MOVES}
SELECT moves.booked_on, coalesce(entry.method, ''), moves.currency, {earned(Account.SALES)},
    {earned(Account.COD_FEES)}, {earned(*_SOLD)}, {added(Account.SALES_REFUNDS)}, {earned(*_SALES)}
FROM moves {OF_ENTRY} WHERE {of(*_SALES)}
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2""",  # noqa: S608 - made of constants
)
