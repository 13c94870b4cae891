"""The contents of a bank's or PSP's file. Pure.

Amounts are signed minor units as in the file: positive for money received. They are read, never
computed; an entry is `gross_minor + fee_minor + unexplained_minor`, if the file says that much.
"""

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

# What banks write in a mandatory reference field when there is no reference.
NO_REFERENCE: Final = frozenset({"NOTPROVIDED", "NOT PROVIDED", "NOT-PROVIDED", "NONREF"})


class State(Enum):
    BOOKED = "booked"
    PENDING = "pending"  # not booked yet, perhaps never: in no total
    INFORMATION = "information"  # does not affect the balance: in no total


@dataclass(frozen=True, slots=True)
class Balance:
    amount_minor: int
    currency: str
    on: date | None = None
    kind: str = ""  # the file's own type: CLBD, 62F


@dataclass(frozen=True, slots=True)
class References:
    """Each is "" if the file has none, or says so (`NO_REFERENCE`)."""

    bank: str = ""  # of the account's bank, or the PSP's transaction id
    end_to_end: str = ""
    creditor: str = ""  # RF or national, as given to the payer
    mandate: str = ""
    instruction: str = ""
    transaction: str = ""
    batch: str = ""  # of a batch of payments, or of a payout
    customer: str = ""  # of the account holder
    order: str = ""  # of the shop
    payment: str = ""  # the PSP's id of the related payment

    def or_else(self, other: "References") -> "References":
        """Its own references, completed with the other's."""
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

    amount_minor: int | None  # None if the file does not state it
    currency: str
    references: References
    text: str = ""
    counterparty: Party = Party()
    return_reason: str = ""  # an ISO 20022 code, e.g. AC04
    id: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an account. `id` is derived from the content of the line, not from its file."""

    line: int
    booked_on: date | None
    value_on: date | None
    amount_minor: int
    currency: str
    references: References
    state: State = State.BOOKED
    is_reversal: bool = False
    kind: str = ""  # the bank's or PSP's own type: PMNT.RCDT.ESCT, NTRF, charge
    text: str = ""
    counterparty: Party = Party()
    gross_minor: int | None = None  # the sum of the payments it books, before fees
    fee_minor: int = 0  # negative for a cost
    unexplained_minor: int = 0  # the remainder that neither details nor fees explain
    return_reason: str = ""
    details: tuple[Detail, ...] = ()
    batch_on: date | None = None  # date of its payout
    is_named: bool = False  # whether its reference is permanently unique at this PSP
    id: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """The first item of a file."""

    name: str  # camt.053
    version: str = ""  # 001.08; "" if the file does not state it


@dataclass(frozen=True, slots=True)
class Heading:
    """The account of the entries that follow, as far as the file states it before them."""

    line: int
    account: str
    id: str
    number: str = ""
    page: str = ""
    continues: bool = False  # whether it is a further page of the previous statement


@dataclass(frozen=True, slots=True)
class Claim:
    """Counts and sums that the file states for its entries; None if it does not."""

    entries: int | None = None
    credits_minor: int | None = None
    debits_minor: int | None = None  # unsigned


@dataclass(frozen=True, slots=True)
class Ending:
    """What a statement says about itself as a whole. A provisional one may be incomplete."""

    line: int
    opening: Balance | None = None
    closing: Balance | None = None
    balances: tuple[Balance, ...] = ()  # all balances
    needs_balances: bool = False  # or entries, to count as a statement
    is_provisional: bool = False
    claim: Claim = Claim()


Event = Format | Heading | Entry | Ending


@dataclass(frozen=True, slots=True)
class Total:
    """Totals of the booked entries in one currency."""

    currency: str
    entries: int
    credits_minor: int
    debits_minor: int  # unsigned


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that has been checked."""

    heading: Heading
    opening: Balance | None
    closing: Balance | None
    balances: tuple[Balance, ...]
    adds_up: bool | None  # None if it does not state enough to tell
    totals: tuple[Total, ...]
    others: int  # entries that are not booked
    first_on: date | None = None  # of its booked entries
    last_on: date | None = None
    turns_reversals: bool = False  # reversals carry the sign of the original


@dataclass(frozen=True, slots=True)
class Contents:
    """A file that has been checked and accepted as a whole."""

    format: Format
    sha256: str
    size_bytes: int
    statements: tuple[Statement, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.heading.account for each in self.statements))
