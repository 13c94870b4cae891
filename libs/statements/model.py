"""What a file of a bank or PSP holds. Pure.

Amounts are signed minor units as they stand in the file: above zero is money for the account. They
are read, never computed; an entry is `gross_minor + fee_minor + unexplained_minor`, where the file
says so much.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

# What banks write where a reference has to stand and there is none.
NO_REFERENCE: Final = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NOT-PROVIDED", "NONREF"})


class State(Enum):
    BOOKED = "booked"
    PENDING = "pending"  # not yet, perhaps never: in no total
    INFORMATION = "information"  # of no effect on the balance: in no total


@dataclass(frozen=True, slots=True)
class Balance:
    amount_minor: int
    currency: str
    on: date | None = None
    kind: str = ""  # as the file calls it: CLBD, 62F


@dataclass(frozen=True, slots=True)
class References:
    """Each is "" where the file has none, also where it says so (`NO_REFERENCE`)."""

    bank: str = ""  # of the account's bank, or the PSP's id of the transaction
    end_to_end: str = ""
    creditor: str = ""  # RF or national, as the payer was asked to quote it
    mandate: str = ""
    instruction: str = ""
    transaction: str = ""
    batch: str = ""  # of an order of many payments, or of a payout
    customer: str = ""  # of the account's owner
    order: str = ""  # of the shop
    payment: str = ""  # the PSP's id of the payment that this is of

    def or_else(self, other: "References") -> "References":
        """Its own, and the other's where it has none."""
        return References(
            *(getattr(self, name) or getattr(other, name) for name in References.__slots__)
        )


@dataclass(frozen=True, slots=True)
class Party:
    name: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """One payment of an entry that books one or many. `id` is as stable as its entry's."""

    amount_minor: int | None  # None where the file does not say it
    currency: str
    references: References
    text: str = ""
    counterparty: Party = Party()
    return_reason: str = ""  # a code of ISO 20022, as AC04
    id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account. `id` is made of what the line says, not of the file it stands in."""

    line: int
    booked_on: date | None
    value_on: date | None
    amount_minor: int
    currency: str
    references: References
    state: State = State.BOOKED
    is_reversal: bool = False
    kind: str = ""  # as the bank or PSP calls it: PMNT.RCDT.ESCT, NTRF, charge
    text: str = ""
    counterparty: Party = Party()
    gross_minor: int | None = None  # the sum of what it books, before fees
    fee_minor: int = 0  # below zero is a cost
    unexplained_minor: int = 0  # what neither details nor fees of the file account for
    return_reason: str = ""
    details: tuple[Detail, ...] = ()
    batch_on: date | None = None  # when its payout is paid out
    is_named: bool = False  # its reference is its own for good, at this PSP
    id: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """Comes first."""

    name: str  # camt.053
    version: str = ""  # 001.08; "" where the file does not say it


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose entries follow, as far as the file says it before them."""

    line: int
    account: str
    id: str
    number: str = ""
    page: str = ""
    continues: bool = False  # a page of the statement before


@dataclass(frozen=True, slots=True)
class Claim:
    """A count or sum that the file states of its entries; None where it does not."""

    entries: int | None = None
    credits_minor: int | None = None
    debits_minor: int | None = None  # without sign


@dataclass(frozen=True, slots=True)
class Ending:
    """What a statement says of itself as a whole. A provisional one need not hold every entry."""

    line: int
    opening: Balance | None = None
    closing: Balance | None = None
    balances: tuple[Balance, ...] = ()  # all of them
    needs_balances: bool = False  # or entries, to be a statement
    is_provisional: bool = False
    claim: Claim = Claim()


Event = Format | Heading | Entry | Ending


@dataclass(frozen=True, slots=True)
class Total:
    """Of the booked entries of one currency."""

    currency: str
    entries: int
    credits_minor: int
    debits_minor: int  # without sign


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement after its proof."""

    heading: Heading
    opening: Balance | None
    closing: Balance | None
    balances: tuple[Balance, ...]
    adds_up: bool | None  # None when it does not say enough to tell
    totals: tuple[Total, ...]
    others: int  # entries that are not booked
    first_on: date | None = None  # of its booked entries
    last_on: date | None = None
    turns_reversals: bool = False  # their sign is that of what they reverse: only so it adds up


@dataclass(frozen=True, slots=True)
class Contents:
    """A file after its proof: nothing of it was refused."""

    format: Format
    sha256: str
    size_bytes: int
    statements: tuple[Statement, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.heading.account for each in self.statements))
