"""The story of a payment, from checkout to the bank, in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from services.console.shown import enum


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` names its words. `at` is a moment, or a day where nobody recorded the hour."""

    kind: str
    at: datetime | date
    amount_minor: int = 0
    note: str = ""
    tone: str = ""


# Words and tone of a refund's state.
_REFUNDS: Final = {
    "processing": ("refund_processing", ""),
    "succeeded": ("refunded", "good"),
    "failed": ("refund_failed", "bad"),
}


def steps(payment: Any, entries: Iterable[Any]) -> list[Step]:
    """Of a payment and the ledger's entries about it, as the contracts have them."""
    began = _time(payment.created_at)
    found = [Step("created", began, payment.amount.amount_minor)]
    if payment.HasField("decline"):
        found.append(Step("declined", began, note=payment.decline.message, tone="bad"))
    for refund in payment.refunds:
        kind, tone = _REFUNDS[enum(refund, "state")]
        found.append(Step(kind, _time(refund.created_at), refund.amount_minor, refund.reason, tone))
    for dispute in payment.disputes:
        at, amount = _time(dispute.created_at), dispute.amount_minor
        found.append(Step("disputed", at, amount, dispute.reason, "bad"))
    for entry in entries:
        total = sum(line.debit_minor for line in entry.lines)
        found.append(Step("booked", _time(entry.recorded_at), total, entry.kind, "good"))
    return sorted(found, key=lambda step: step.at)


def _time(at: Any) -> datetime:
    found: datetime = at.ToDatetime(tzinfo=UTC)
    return found
