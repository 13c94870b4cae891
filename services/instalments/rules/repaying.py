"""Refunds of a plan's payments, by a refund of the plan or made at payments. Pure.

A refund made at payments, or in the PSP's console, first covers what the plan promised and could
not refund; beyond that it is a refund of that part alone: the part is reduced, its principal first,
and the other parts stay as they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from libs.errors import InternalError, Kind, StoredRefusal, required
from libs.money import Money
from libs.payments.repayments import RefundReport, RepaymentEvent, RepaymentState, after_report
from services.instalments.rules.items import Returned
from services.instalments.rules.plans import Instalment, Plan

BY_TRANSFER: Final = StoredRefusal(
    Kind.CONFLICT.name,
    "paid_by_bank_transfer",
    "The part was paid by bank transfer: refund the customer by bank transfer.",
)
_LOWERED: Final = ("principal_minor", "interest_minor", "fee_minor", "late_fee_minor")


@dataclass(frozen=True, slots=True)
class Share:
    """A part's share. `promised_minor`: the amount by which a refund of the plan had already reduced
    the part; the other amounts reduce the part itself.
    """

    number: int
    amount_minor: int
    promised_minor: int = 0
    principal_minor: int = 0
    interest_minor: int = 0
    fee_minor: int = 0
    late_fee_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """One refund of one payment; `id` is the key of payments.RefundPayment. `refund_id`: the plan's
    refund that it belongs to; None: it was made at payments. `payment_id`: "" for parts paid by
    bank transfer. `reference`: payments' own id. `told_at`: time of payments' latest report.
    """

    merchant_id: str
    id: str
    plan_id: str
    refund_id: str | None
    payment_id: str
    state: RepaymentState
    amount: Money
    shares: tuple[Share, ...]
    reference: str | None = None
    refusal: StoredRefusal | None = None
    told_at: datetime | None = None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PlanRefund:
    """The amount refunded of a plan's price, and how much of it is repaid."""

    merchant_id: str
    id: str
    plan_id: str
    amount: Money
    give_back_minor: int
    reason: str | None
    items: tuple[Returned, ...]
    actor: str
    trace_id: str
    created_at: datetime


def by_transfer(repayment: Repayment, now: datetime) -> Repayment:
    """The repayment, failed: an amount paid by bank transfer cannot be refunded by payments."""
    failed = after_report(repayment, RefundReport(RepaymentEvent.FAIL, now, refusal=BY_TRANSFER))
    return required(failed, InternalError)


def still_owed(
    parts: Sequence[Instalment], under_way: Iterable[Repayment]
) -> Mapping[str, tuple[Share, ...]]:
    """By payment: amounts that refunds have promised and that are not being repaid."""
    asked, shares = _by_number(under_way), dict[str, tuple[Share, ...]]()
    for part in parts:
        back = part.refunding_minor - asked.get(part.number, 0)
        if back > 0 and part.payment_id is not None:
            share = Share(part.number, back, promised_minor=back)
            shares[part.payment_id] = (*shares.get(part.payment_id, ()), share)
    return shares


def moved(
    plan: Plan, parts: Sequence[Instalment], before: Repayment, after: Repayment
) -> tuple[Plan, Sequence[Instalment]]:
    """Plan and parts after money was refunded, or came back."""
    if after.state is RepaymentState.SUCCEEDED:
        return _moved(plan, parts, after.shares, 1)
    if before.state is RepaymentState.SUCCEEDED:
        return _moved(plan, parts, before.shares, -1)
    return plan, parts


def shares_of(
    parts: Sequence[Instalment],
    numbers: Iterable[int],
    amount_minor: int,
    under_way: Iterable[Repayment],
) -> tuple[Share, ...]:
    """The shares of a refund made at payments, for the payment that paid the parts `numbers`: the
    last of them first. `under_way`: what the plan is already refunding of that payment.
    """
    mine = [parts[number - 1] for number in sorted(numbers, reverse=True)]
    asked = _by_number(under_way)
    left, promised, lowered = amount_minor, {}, {}
    for part in mine:
        owed = max(part.refunding_minor - asked.get(part.number, 0), 0)
        promised[part.number] = min(owed, left)
        left -= promised[part.number]
    for part in mine:
        lowered[part.number] = min(part.amount_minor, left)
        left -= lowered[part.number]
    shares = [_share(part, promised[part.number], lowered[part.number]) for part in mine]
    if left:  # more than the plan expected: the PSP will refuse the refund in progress
        last = shares[-1]
        more = replace(
            last,
            amount_minor=last.amount_minor + left,
            promised_minor=last.promised_minor + left,
        )
        shares[-1] = more
    return tuple(share for share in shares if share.amount_minor)


def _by_number(repayments: Iterable[Repayment]) -> Mapping[int, int]:
    sums: dict[int, int] = {}
    for share in (share for repayment in repayments for share in repayment.shares):
        sums[share.number] = sums.get(share.number, 0) + share.amount_minor
    return sums


def _share(part: Instalment, promised_minor: int, lowered_minor: int) -> Share:
    left, lowered = lowered_minor, {}
    for name in _LOWERED:
        lowered[name] = min(getattr(part, name), left)
        left -= lowered[name]
    return Share(part.number, promised_minor + lowered_minor, promised_minor, **lowered)


def _moved(
    plan: Plan, parts: Sequence[Instalment], shares: Sequence[Share], sign: int
) -> tuple[Plan, Sequence[Instalment]]:
    """`sign`: 1 if it was refunded, -1 if it came back."""
    after = list(parts)
    for share in shares:
        part = after[share.number - 1]
        lowered = {
            name: max(getattr(part, name) - sign * getattr(share, name), 0) for name in _LOWERED
        }
        after[share.number - 1] = replace(
            part,
            refunded_minor=max(part.refunded_minor + sign * share.amount_minor, 0),
            refunding_minor=max(part.refunding_minor - sign * share.promised_minor, 0),
            **lowered,
        )
    refunded = plan.price_refunded_minor + sign * sum(share.principal_minor for share in shares)
    bounded = min(max(refunded, 0), plan.amount.amount_minor)
    return replace(plan, price_refunded_minor=bounded), after
