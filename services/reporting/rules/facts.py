"""What events say of money, as the ledger sees it. Pure. All amounts are in minor units of one currency.

A fact contains all that its entry needs: none depends on another event, so any order of them, and any
repeat, is the same ledger.
"""

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


Fact: TypeAlias = PspCharge | PspRefund | DisputeMoved


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
