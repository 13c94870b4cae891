"""Disputes of a plan's payments: shown on the parts that they paid; the others continue. Pure.

While one is open the bank holds the money. A lost amount is written off: the part stays paid and no
card is charged for it again, since its bank has decided; the amount counts towards what the plan had
to refund. An appeal may change all of this.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from libs.money import Money
from services.instalments.rules.plans import Instalment
from services.instalments.rules.repaying import Repayment, Share, shares_of


class DisputeState(Enum):
    """As payments defines it."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """`id` is payments'. `told_at`: time of the report from payments."""

    merchant_id: str
    id: str
    plan_id: str
    payment_id: str
    state: DisputeState
    amount: Money
    reason: str
    shares: tuple[Share, ...] = ()
    told_at: datetime
    created_at: datetime


def disputed(
    parts: Sequence[Instalment],
    numbers: Iterable[int],
    before: Dispute | None,
    reported: Dispute,
    under_way: Iterable[Repayment],
) -> tuple[Sequence[Instalment], Dispute] | None:
    """Parts and dispute after a report from payments. `numbers`: the parts that the payment has
    paid. None if the report brings nothing new, or is older than the latest one.
    """
    if before is not None:
        same = (before.state, before.amount) == (reported.state, reported.amount)
        if same or reported.told_at < before.told_at:
            return None
        parts = _moved(parts, before, -1)
    shares = shares_of(parts, numbers, reported.amount.amount_minor, under_way)
    after = replace(reported, shares=shares)
    return _moved(parts, after, 1), after


def _moved(parts: Sequence[Instalment], dispute: Dispute, sign: int) -> Sequence[Instalment]:
    """`sign`: 1 to apply it, -1 to revert it."""
    after = list(parts)
    for share in dispute.shares:
        part, at = after[share.number - 1], share.number - 1
        match dispute.state:
            case DisputeState.OPEN:
                held = part.disputed_minor + sign * share.amount_minor
                after[at] = replace(part, disputed_minor=max(held, 0))
            case DisputeState.LOST:
                lost = share.amount_minor - share.promised_minor
                # Amounts that a refund has since counted as returned by the bank have to be
                # refunded after all.
                counted = max(lost - part.lost_minor, 0) if sign < 0 else 0
                promised = sign * (share.promised_minor + counted)
                after[at] = replace(
                    part,
                    refunded_minor=max(part.refunded_minor + promised, 0),
                    refunding_minor=max(part.refunding_minor - promised, 0),
                    lost_minor=max(part.lost_minor + sign * lost, 0),
                    charged_back_minor=max(part.charged_back_minor + promised, 0),
                )
            case DisputeState.WON:
                pass
    return after
