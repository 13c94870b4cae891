"""Items to match: ours from events, theirs from lines of PSPs and banks. Pure.

Our items are the amounts that the ledger adds to `psp_receivable` and, apart from payouts, to
`bank_in_transit`; a match settles them. Payouts are built from report lines, in SQL.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from services.reporting.rules import postings
from services.reporting.rules.chart import Account, Place
from services.reporting.rules.facts import (
    BookableEvent,
    CashRefunded,
    DisputeMoved,
    Fact,
    PspCharge,
    PspRefund,
    TransferMoved,
)


class Stage(Enum):
    PSP = "psp"
    BANK = "bank"


class Side(Enum):
    OURS = "ours"
    THEIRS = "theirs"


class ItemKind(Enum):
    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    OTHER = "other"
    PAYOUT = "payout"
    TRANSFER = "transfer"
    CASH_REFUND = "cash_refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """Positive for money due to the merchant. `operation_reference` and `payment_reference`: the
    PSP's or bank's references of the operation and of its payment.
    """

    merchant_id: str
    stage: Stage
    side: Side
    id: str
    kind: ItemKind
    party: str
    currency: str
    amount_minor: int
    fee_minor: int = 0
    operation_reference: str | None = None
    payment_reference: str | None = None
    order_reference: str | None = None
    payment_id: str | None = None
    trace_id: str
    happened_on: date
    created_at: datetime


def expected(event: BookableEvent, now: datetime) -> OpenItem | None:
    """The item that a report or statement should confirm, if any."""
    found = _kind_and_place(event.fact)
    if found is None:
        return None
    stage, kind, place = found
    amount_minor = postings.amounts(event.fact).get(place, 0)
    if not amount_minor:
        return None
    return OpenItem(
        merchant_id=event.merchant_id,
        stage=stage,
        side=Side.OURS,
        id=event.event_id,
        kind=kind,
        party=place.party,
        currency=event.currency,
        amount_minor=amount_minor,
        operation_reference=event.operation_reference,
        payment_reference=event.payment_reference,
        order_reference=event.order_reference,
        payment_id=event.payment_id,
        trace_id=event.trace_id,
        happened_on=event.happened_on,
        created_at=now,
    )


_TRANSIT: Final = Place(Account.BANK_IN_TRANSIT)


def _kind_and_place(fact: Fact) -> tuple[Stage, ItemKind, Place] | None:
    match fact:
        case PspCharge(psp_account=party):
            return Stage.PSP, ItemKind.CHARGE, Place(Account.PSP_RECEIVABLE, party)
        case PspRefund(psp_account=party):
            return Stage.PSP, ItemKind.REFUND, Place(Account.PSP_RECEIVABLE, party)
        case DisputeMoved(psp_account=party):
            return Stage.PSP, ItemKind.DISPUTE, Place(Account.PSP_RECEIVABLE, party)
        case TransferMoved():
            return Stage.BANK, ItemKind.TRANSFER, _TRANSIT
        case CashRefunded():
            return Stage.BANK, ItemKind.CASH_REFUND, _TRANSIT
        case _:
            return None
