"""What events say of money, as the ledger sees it. Pure. All amounts are in minor units of one currency.

A fact contains all that its entry needs: none depends on another event, so any order of them, and any
repeat, is the same ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class PspCharge:
    """Money that a PSP took. `of_plan`: for a part of an instalment plan, which says what it paid."""

    psp_account: str
    of_plan: bool
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PspRefund:
    """Money that a PSP gave back. `undone`: the refund came back after it had succeeded."""

    psp_account: str
    of_plan: bool
    amount_minor: int
    undone: bool = False


class DisputeState(Enum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Disputed:
    """A dispute as it stands. None where there is none yet."""

    state: DisputeState
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DisputeMoved:
    psp_account: str
    before: Disputed | None
    after: Disputed


@dataclass(frozen=True, slots=True)
class CashCollected:
    """At the door, by a courier. `fee_minor`: what of it is the fee for that."""

    courier_id: str
    amount_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class CashRemitted:
    """What a courier passed on of an order, kept by right, and left short after and before."""

    courier_id: str
    remitted_minor: int
    kept_minor: int
    short_minor: int
    short_before_minor: int


@dataclass(frozen=True, slots=True)
class CashRefunded:
    """Cash that was given back by bank transfer. `undone`: the bank sent it back after it was paid."""

    amount_minor: int
    undone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBooks:
    """All that an instalment plan has moved when it stands so, as instalments says it."""

    sold_minor: int = 0
    refunded_minor: int = 0
    owed_minor: int = 0
    written_off_minor: int = 0
    paid_minor: int = 0
    to_give_back_minor: int = 0
    charged_back_minor: int = 0
    interest_minor: int = 0
    fees_minor: int = 0
    late_fees_minor: int = 0


@dataclass(frozen=True, slots=True)
class PlanMoved:
    before: PlanBooks
    after: PlanBooks


class MoveKind(Enum):
    MATCHED = "matched"
    SETTLED = "settled"
    TAKEN_BACK = "taken_back"
    GIVEN_BACK = "given_back"


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a transfer's money. `of_plan`: to or from the link of a part of an instalment plan."""

    kind: MoveKind
    amount_minor: int
    of_plan: bool


@dataclass(frozen=True, slots=True)
class TransferMoved:
    """What arrived by bank, or 0 of a transfer that was known, and where its money went then."""

    arrived_minor: int
    moves: Sequence[Move]


@dataclass(frozen=True, slots=True)
class LineSettled:
    """A line of a PSP's report. Gross and fee are net; a fee below 0 is a cost. `is_fee`: a fee by itself."""

    psp_account: str
    gross_minor: int
    fee_minor: int
    is_fee: bool


@dataclass(frozen=True, slots=True)
class LineBanked:
    """A line of a bank account."""

    account: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What reconciliation adds to an account, debits above 0. `account`: its name in the chart."""

    account: str
    party: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was matched or resolved. Its moves sum to zero."""

    moves: Sequence[Moved]


Fact: TypeAlias = (
    PspCharge
    | PspRefund
    | DisputeMoved
    | PlanMoved
    | CashCollected
    | CashRemitted
    | CashRefunded
    | TransferMoved
    | LineSettled
    | LineBanked
    | Cleared
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event that moved money: what it is about, and the fact."""

    merchant_id: str
    event_id: str
    kind: str
    happened_on: date
    currency: str
    resource_id: str
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    fact: Fact
    payment_reference: str | None = None  # the PSP's id of the payment
    operation_reference: str | None = None  # the PSP's or bank's of what was done
