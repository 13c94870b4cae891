"""The margin of each order before the cost of goods, which Incasso does not know."""

from typing import Final

from services.reporting.rules.chart import KINDS, Account, AccountKind
from services.reporting.rules.tables import PERIOD, Report, money, text
from services.reporting.store.tables.moves import MOVES, OF_ENTRY, OF_MATCH, added, earned, of

_CREDIT: Final = (Account.INSTALMENT_INTEREST, Account.INSTALMENT_FEES, Account.LATE_FEES)
_LOSSES: Final = (
    Account.SHORTAGE,
    Account.DISPUTE_LOSSES,
    Account.BAD_DEBT,
    Account.RECONCILIATION_DIFFERENCES,
)
_EARNING: Final = (AccountKind.INCOME, AccountKind.EXPENSE)
_ALL: Final = tuple(account for account in Account if KINDS[account] in _EARNING)

REPORT: Final = Report(
    "margins",
    "Sales, refunds, income from credit, fees and losses of each order, before the cost of goods."
    " Amounts that belong to no order have an empty reference.",
    (
        *text("order_reference", "currency"),
        *money(
            "sales", "cod_fees", "refunds", "credit_income", "psp_fees", "courier_fees", "losses"
        ),
        *money("margin"),
    ),
    PERIOD,
    f"""{MOVES}
SELECT coalesce(entry.order_reference, matched.order_reference, ''), moves.currency,
    {earned(Account.SALES)}, {earned(Account.COD_FEES)}, {added(Account.SALES_REFUNDS)},
    {earned(*_CREDIT)}, {added(Account.PSP_FEES)}, {added(Account.COURIER_FEES)},
    {added(*_LOSSES)}, {earned(*_ALL)}
FROM moves {OF_ENTRY} {OF_MATCH} WHERE {of(*_ALL)}
GROUP BY 1, 2 ORDER BY 1, 2""",  # noqa: S608 - made of constants
)
