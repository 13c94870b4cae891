"""The chart of accounts, the same for every merchant. A balance's counterparty is its party. Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class AccountKind(Enum):
    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


class Account(Enum):
    """In the order of a trial balance."""

    BANK = "bank"
    BANK_IN_TRANSIT = "bank_in_transit"  # on its way from a PSP or courier
    PSP_RECEIVABLE = "psp_receivable"
    COURIER_RECEIVABLE = "courier_receivable"
    CUSTOMER_RECEIVABLE = "customer_receivable"  # principal of instalment plans
    DISPUTES_HELD = "disputes_held"
    # Between payments, which report the captured amount, and plans, which report what it pays for:
    # zero once both have reported.
    INSTALMENTS_CLEARING = "instalments_clearing"
    UNALLOCATED = "unallocated"  # money received and not yet explained
    REFUNDS_DUE = "refunds_due"  # owed to customers, not yet refunded
    SALES = "sales"
    COD_FEES = "cod_fees"
    INSTALMENT_INTEREST = "instalment_interest"
    INSTALMENT_FEES = "instalment_fees"
    LATE_FEES = "late_fees"
    SALES_REFUNDS = "sales_refunds"
    PSP_FEES = "psp_fees"
    COURIER_FEES = "courier_fees"
    SHORTAGE = "shortage"
    DISPUTE_LOSSES = "dispute_losses"
    BAD_DEBT = "bad_debt"
    RECONCILIATION_DIFFERENCES = "reconciliation_differences"  # written off


_ASSETS: Final = (
    Account.BANK,
    Account.BANK_IN_TRANSIT,
    Account.PSP_RECEIVABLE,
    Account.COURIER_RECEIVABLE,
    Account.CUSTOMER_RECEIVABLE,
    Account.DISPUTES_HELD,
    Account.INSTALMENTS_CLEARING,
)
_LIABILITIES: Final = (Account.UNALLOCATED, Account.REFUNDS_DUE)
_INCOME: Final = (
    Account.SALES,
    Account.COD_FEES,
    Account.INSTALMENT_INTEREST,
    Account.INSTALMENT_FEES,
    Account.LATE_FEES,
)
KINDS: Final = {
    **dict.fromkeys(Account, AccountKind.EXPENSE),
    **dict.fromkeys(_ASSETS, AccountKind.ASSET),
    **dict.fromkeys(_LIABILITIES, AccountKind.LIABILITY),
    **dict.fromkeys(_INCOME, AccountKind.INCOME),
}
ORDER: Final = {account: place for place, account in enumerate(Account)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an amount is booked. `party`: the PSP account or courier; "" for an account without
    counterparties.
    """

    account: Account
    party: str = ""
