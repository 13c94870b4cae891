"""Events that move money, as the ledger sees them. Pure. All amounts of a fact are in minor units of
one currency.

A fact contains everything that its entry needs and depends on no other event: events in any order,
repeated or not, result in the same ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class PspCharge:
    """A charge by a PSP. `of_plan`: it pays part of an instalment plan, which reports what for."""

    psp_account: str
    of_plan: bool
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PspRefund:
    """A refund by a PSP. `undone`: the refund was returned after it had succeeded."""

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
    """The state of a dispute."""

    state: DisputeState
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DisputeMoved:
    psp_account: str
    before: Disputed | None
    after: Disputed


@dataclass(frozen=True, slots=True)
class CashCollected:
    """Cash collected at the door by a courier. `fee_minor`: the COD fee included in it."""

    courier_id: str
    amount_minor: int
    fee_minor: int


@dataclass(frozen=True, slots=True)
class CashRemitted:
    """The amount that a courier has remitted for an order, the agreed cut it kept, and the shortage
    after and before.
    """

    courier_id: str
    remitted_minor: int
    kept_minor: int
    short_minor: int
    short_before_minor: int


@dataclass(frozen=True, slots=True)
class CashRefunded:
    """Cash refunded by bank transfer. `undone`: the bank returned it after it was paid."""

    amount_minor: int
    undone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBooks:
    """All amounts that an instalment plan has moved so far, as reported by instalments."""

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
    """A movement of a transfer's money. `of_plan`: to or from the link of a part of an instalment
    plan.
    """

    kind: MoveKind
    amount_minor: int
    of_plan: bool


@dataclass(frozen=True, slots=True)
class TransferMoved:
    """The amount that arrived by bank, or 0 for a known transfer, and where the money then went."""

    arrived_minor: int
    moves: Sequence[Move]


@dataclass(frozen=True, slots=True)
class LineSettled:
    """A line of a PSP's report. Net is gross plus fee; a negative fee is a cost. `is_fee`: a
    separate fee.
    """

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
    """What reconciliation adds to an account; positive for a debit. `account`: its name in the
    chart.
    """

    account: str
    party: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """A match or a resolution. Its moves sum to zero."""

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
class BookableEvent:
    """An event that moved money: the payment or other resource it concerns, and the fact."""

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
    method: str | None = None  # one_click, link, instalments, cod, bank_transfer
    # The amounts that it adds to a receivable, by due date.
    dues: Mapping[date, int] = field(default_factory=dict)
    payment_reference: str | None = None  # the PSP's id of the payment
    operation_reference: str | None = None  # the PSP's or bank's id of the operation
