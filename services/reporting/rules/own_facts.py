"""Reporting's own facts: lines of PSPs and banks, and clearings of reconciliation. Pure.

Each is booked as an entry whose id is derived from the line's or clearing's id.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Final

from libs import ids
from services.reporting.rules.facts import BookableEvent, Cleared, LineBanked, LineSettled, Moved
from services.reporting.rules.lines import BankLine, LineSource, SettlementLine
from services.reporting.rules.settlement_kinds import SettlementKind


class ClearingKind(Enum):
    MATCHED = "matched"  # by a rule
    RESOLVED = "resolved"  # by a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """A movement between accounts caused by a match or a person's resolution."""

    merchant_id: str
    id: str
    kind: ClearingKind
    currency: str
    moves: tuple[Moved, ...]
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    happened_on: date
    created_at: datetime


def of_settlement(line: SettlementLine, trace_id: str) -> BookableEvent | None:
    """None if the line books nothing: a payout is the sum of its lines, and couriers' lines are
    already booked from cod's events.
    """
    if line.source is not LineSource.PSP or line.kind is SettlementKind.PAYOUT:
        return None
    return BookableEvent(
        merchant_id=line.merchant_id,
        event_id=_entry_id(line.id, line.happened_on),
        kind="reporting.settlement_line.imported",
        happened_on=line.happened_on,
        currency=line.currency,
        resource_id=line.id,
        payment_id=None,
        order_reference=line.order_reference,
        trace_id=trace_id,
        fact=LineSettled(
            line.party, line.gross_minor, line.fee_minor, line.kind is SettlementKind.FEE
        ),
    )


def of_bank(line: BankLine, trace_id: str) -> BookableEvent:
    return BookableEvent(
        merchant_id=line.merchant_id,
        event_id=_entry_id(line.id, line.booked_on),
        kind="reporting.bank_line.imported",
        happened_on=line.booked_on,
        currency=line.currency,
        resource_id=line.id,
        payment_id=None,
        order_reference=None,
        trace_id=trace_id,
        fact=LineBanked(line.account, line.amount_minor),
    )


_CLEARED: Final = {
    ClearingKind.MATCHED: "reporting.item.matched",
    ClearingKind.RESOLVED: "reporting.exception.resolved",
}


def of_clearing(clearing: Clearing) -> BookableEvent:
    return BookableEvent(
        merchant_id=clearing.merchant_id,
        event_id=_entry_id(clearing.id, clearing.happened_on),
        kind=_CLEARED[clearing.kind],
        happened_on=clearing.happened_on,
        currency=clearing.currency,
        resource_id=clearing.id,
        payment_id=clearing.payment_id,
        order_reference=clearing.order_reference,
        trace_id=clearing.trace_id,
        fact=Cleared(clearing.moves),
    )


def _entry_id(resource_id: str, day: date) -> str:
    return ids.derived("evt", resource_id, on=day)
