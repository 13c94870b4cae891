"""Withdrawal from credit: the deadline, and the amount to repay. Pure.

No reason is required. Only capital and the interest of each day until repayment are owed: paid fees
are refunded (Directive (EU) 2023/2225, art. 26).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Final

from libs.errors import invalid
from libs.rounding import WHOLE, half_up
from services.instalments.rules.regimes import Regime
from services.instalments.rules.schedule import Schedule

DAYS_OF_A_YEAR: Final = 365  # also in leap years: the shopper pays slightly less per day


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """`interest_minor` for all days until `repaid_on`; `paid_back_minor`: interest and fees that
    the shopper paid and does not owe as such.
    """

    noticed_on: date
    repaid_on: date
    repay_by: date
    capital_minor: int
    interest_minor: int
    paid_back_minor: int

    @property
    def balance_minor(self) -> int:
        return self.capital_minor + self.interest_minor - self.paid_back_minor

    @property
    def owed_minor(self) -> int:
        return max(self.balance_minor, 0)

    @property
    def give_back_minor(self) -> int:
        return max(-self.balance_minor, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """The notice as received: from whom, and where its receipt goes."""

    name: str
    sent_to: str
    noticed_at: datetime
    due: Withdrawal


def last_day(regime: Regime, signed_on: date, informed_on: date | None = None) -> date:
    """The last day for the notice: calendar days after signing, or after the shopper got terms and
    information if that was later.
    """
    begun = max(signed_on, informed_on or signed_on)
    return begun + timedelta(days=regime.withdrawal_days)


def interest_per_day(capital_minor: int, interest_basis_points: int) -> Fraction:
    """Interest per day in minor units, exact."""
    return Fraction(capital_minor * interest_basis_points, WHOLE * DAYS_OF_A_YEAR)


def withdraw(
    schedule: Schedule,
    regime: Regime,
    *,
    paid: Mapping[int, date],
    noticed_on: date,
    repaid_on: date,
    informed_on: date | None = None,
) -> Withdrawal:
    """The amount owed if the rest is repaid on `repaid_on`. `paid`: when each part was paid, by
    number.

    Raises InvalidArgument: notice after the last day, or repaid before notice was given.
    """
    last = last_day(regime, schedule.signed_on, informed_on)
    if not schedule.signed_on <= noticed_on <= last:
        raise invalid("noticed_on", f"must be from {schedule.signed_on} to {last}")
    if repaid_on < noticed_on:
        raise invalid("repaid_on", "must not be before noticed_on")
    interest = sum(
        interest_per_day(part.principal_minor, schedule.interest_basis_points)
        * (min(paid.get(part.number, repaid_on), repaid_on) - schedule.signed_on).days
        for part in schedule.parts
    )
    done = [part for part in schedule.parts if part.number in paid]
    return Withdrawal(
        noticed_on=noticed_on,
        repaid_on=repaid_on,
        repay_by=noticed_on + timedelta(days=regime.repayment_days),
        capital_minor=schedule.amount.amount_minor - sum(part.principal_minor for part in done),
        interest_minor=half_up(Fraction(interest)),
        paid_back_minor=sum(part.interest_minor + part.fee_minor for part in done),
    )
