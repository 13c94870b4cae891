"""What the customer can do with a plan now, and the amount of each option. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from libs.errors import Refusal
from services.instalments.errors import AmountChanged
from services.instalments.rules import collecting, settling, withdrawing
from services.instalments.rules.plans import Collection, Instalment, Plan, Shown
from services.instalments.rules.settling import Figure
from services.instalments.rules.states import InstalmentState


@dataclass(frozen=True, slots=True)
class PayablePart:
    """Today's amount of a part; `rebate_minor` is already deducted."""

    number: int
    amount_minor: int
    rebate_minor: int


@dataclass(frozen=True, slots=True)
class Choices:
    payable: Sequence[PayablePart] = ()
    settlement: Figure | None = None
    withdraw_until: date | None = None


def choices(shown: Shown, now: datetime) -> Choices:
    """Empty while a part is being charged."""
    plan, parts = shown.plan, shown.parts
    if any(part.state is InstalmentState.COLLECTING for part in parts):
        return Choices()
    found = [_payable(plan, parts, part, now) for part in parts]
    return Choices(
        payable=[each for each in found if each is not None],
        settlement=_settlement(plan, parts, now),
        withdraw_until=_withdraw_until(plan, parts, now),
    )


def check_shown(intent: Collection, shown_minor: int | None) -> Collection:
    """Allows only the amount shown to the customer; None: unknown. Raises AmountChanged."""
    if shown_minor is not None and shown_minor != intent.amount.amount_minor:
        raise AmountChanged
    return intent


def _payable(
    plan: Plan, parts: Sequence[Instalment], part: Instalment, now: datetime
) -> PayablePart | None:
    try:
        collecting.check_payable(plan, parts, part.number)
        off = collecting.rebate(plan, parts, part.number, now)
    except Refusal:
        return None
    return PayablePart(part.number, part.amount_minor - off, off)


def _settlement(plan: Plan, parts: Sequence[Instalment], now: datetime) -> Figure | None:
    try:
        return settling.figure(plan, parts, now)
    except Refusal:
        return None


def _withdraw_until(plan: Plan, parts: Sequence[Instalment], now: datetime) -> date | None:
    if plan.withdrawal is not None:
        return None
    try:
        withdrawing.owed(plan, parts, now)
    except Refusal:
        return None
    return withdrawing.last_day(plan)
