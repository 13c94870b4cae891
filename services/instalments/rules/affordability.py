"""Whether a customer can afford one more plan: the concerns about it. Pure.

It is not a refusal: a person reviews the plan, whose concerns say why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs import rates
from libs.money import Money
from libs.rates import NoRateError
from services.instalments.rules.schedule import Schedule

MEMORY: Final = timedelta(days=365)  # anything missed before is forgotten
LATE: Final = timedelta(days=7)  # a missed part paid within this time does not count


class Concern(Enum):
    EXPOSURE_LIMIT = "exposure_limit"
    CURRENCY = "currency"  # what the customer owes cannot be compared with the limit
    MISSED_PAYMENTS = "missed_payments"
    DEFAULTED = "defaulted"
    SCORE = "score"
    SCORE_UNAVAILABLE = "score_unavailable"  # no answer is not approval


class Decision(Enum):
    """A person's decision."""

    APPROVE = "approve"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Why a plan is reviewed, and the decision."""

    concerns: tuple[Concern, ...]
    opened_at: datetime
    decision: Decision | None = None
    reason: str | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """What a scorer receives. `lent`: the amount still to be paid after signing."""

    merchant_id: str
    customer_id: str
    order_reference: str
    lent: Money
    parts: int


@dataclass(frozen=True, slots=True)
class History:
    """The customer's other plans: amounts owed, by currency; parts missed within MEMORY and not
    paid within LATE; plans in default or written off.
    """

    owed: Sequence[Money]
    missed: int
    defaulted: int


def lent(schedule: Schedule) -> Money:
    """The amount owed once signing has taken the first part."""
    later = sum(part.total_minor for part in schedule.parts if part.number > 1)
    return Money(later, schedule.amount.currency)


def concerns_of(asked: Money, history: History, limit: Money) -> tuple[Concern, ...]:
    found = [*_exposed([*history.owed, asked], limit)]
    if history.missed:
        found.append(Concern.MISSED_PAYMENTS)
    if history.defaulted:
        found.append(Concern.DEFAULTED)
    return tuple(found)


def _exposed(owed: Sequence[Money], limit: Money) -> Sequence[Concern]:
    try:
        together = sum(rates.about(amount, limit.currency).amount_minor for amount in owed)
    except NoRateError:
        return [Concern.CURRENCY]
    return [Concern.EXPOSURE_LIMIT] if together > limit.amount_minor else []
