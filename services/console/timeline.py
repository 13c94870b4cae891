"""The history of a payment, from checkout to the bank, in order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.console.shown import enum


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` is the key of its text, `type` that of an exception's. `at` is a time, or a day if
    only that is known. `path`: the page with the details.
    """

    kind: str
    at: datetime | date
    amount_minor: int = 0
    note: str = ""
    tone: str = ""
    type: str = ""
    fee_minor: int = 0
    path: str = ""


# Text and tone of a refund's state.
_REFUNDS: Final = {
    "processing": ("refund_processing", ""),
    "succeeded": ("refunded", "good"),
    "failed": ("refund_failed", "bad"),
}


_TRAIL: Final = {"psp_line": "good", "payout": "", "bank_line": "good"}


def steps(payment: Any, entries: Iterable[Any], trail: Iterable[Any], zone: str) -> list[Step]:
    """The steps of a payment, of its ledger entries, and of the trail of its money. `zone`: the
    time zone of the shop's days.
    """
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
        found.append(Step("booked", _time(entry.recorded_at), total, tone="good"))
    found.extend(map(_of_trail, trail))
    return sorted(found, key=lambda step: _place(step.at, ZoneInfo(zone)))


def _of_trail(step: Any) -> Step:
    kind = enum(step, "kind")
    page = f"/reconciliation/exceptions/{step.id}" if kind == "exception" else ""
    if step.import_id:
        page = f"/reconciliation/imports/{step.import_id}"
    return Step(
        kind,
        date.fromisoformat(step.happened_on),
        step.amount_minor,
        step.reference or step.party,
        tone=_TRAIL.get(kind, "bad" if step.open else ""),
        type=enum(step, "exception_type") if kind == "exception" else "",
        fee_minor=step.fee_minor,
        path=page,
    )


def _place(at: datetime | date, zone: ZoneInfo) -> tuple[date, float]:
    """Sorts by day; a step with only a day comes after those with a time, in the given order."""
    if isinstance(at, datetime):
        return at.astimezone(zone).date(), at.timestamp()
    return at, float("inf")


def _time(at: Any) -> datetime:
    found: datetime = at.ToDatetime(tzinfo=UTC)
    return found
