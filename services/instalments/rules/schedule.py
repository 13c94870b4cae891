"""The schedule of a plan: what is due when, exact to the minor unit. Pure.

Without interest the parts are equal and differ by one unit at most. With interest they are equal
instalments (annuity): each pays the interest on the balance for one period, rounded half up; the
rounding remainder is in the first or the last instalment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from libs.money import Money
from libs.rounding import WHOLE, half_up, share
from services.instalments.rules import calendar
from services.instalments.rules.terms import Bearer, Frequency, Remainder, Terms


class TooSmallError(ValueError):
    """The amount cannot be paid in so many parts: one of them would be zero."""


@dataclass(frozen=True, slots=True)
class Part:
    """One instalment; the first has number 1. After a refund one may be zero."""

    number: int
    due_on: date
    principal_minor: int
    interest_minor: int = 0
    fee_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.principal_minor + self.interest_minor + self.fee_minor


@dataclass(frozen=True, slots=True)
class Schedule:
    """How `amount` is paid. The fee of the first part includes `upfront_fee_minor`."""

    amount: Money
    signed_on: date
    every: Frequency
    interest_basis_points: int
    upfront_fee_minor: int
    parts: tuple[Part, ...]

    @property
    def interest_minor(self) -> int:
        return sum(part.interest_minor for part in self.parts)

    @property
    def fees_minor(self) -> int:
        return sum(part.fee_minor for part in self.parts)

    @property
    def cost_minor(self) -> int:
        """Cost of the credit: the total paid beyond the amount."""
        return self.interest_minor + self.fees_minor

    @property
    def total_minor(self) -> int:
        return self.amount.amount_minor + self.cost_minor

    @property
    def last_due_on(self) -> date:
        return max(part.due_on for part in self.parts)

    @property
    def period_rate(self) -> Fraction:
        """Nominal interest of one period, as a share of the balance."""
        return period_rate(self.interest_basis_points, self.every)


@dataclass(frozen=True, slots=True)
class Fees:
    upfront_minor: int
    payment_minor: int  # with each payment

    def of(self, payments: int) -> int:
        return self.upfront_minor + payments * self.payment_minor


NO_FEES = Fees(0, 0)


def fees(terms: Terms, amount_minor: int) -> Fees:
    """The fees, whoever bears them."""
    variable = share(amount_minor, terms.upfront_fee_basis_points)
    return Fees(terms.upfront_fee_minor + variable, terms.payment_fee_minor)


def planned(
    terms: Terms, amount: Money, signed_on: date, *, holidays_of: str | None = None
) -> Schedule:
    """The first part is due on signing. `holidays_of`: the country whose working days apply, if
    requested.

    Raises TooSmallError; InvalidArgument for invalid dates.
    """
    charged = fees(terms, amount.amount_minor) if _shopper_pays(terms) else NO_FEES
    days = calendar.due_dates(
        signed_on,
        terms.every,
        terms.payments,
        holidays_of=holidays_of if terms.working_days_only else None,
    )
    amounts = _amounts(terms, amount.amount_minor)
    if min(principal for principal, _ in amounts) < 1:
        raise TooSmallError
    parts = tuple(
        Part(
            number=number,
            due_on=day,
            principal_minor=principal,
            interest_minor=interest,
            fee_minor=charged.payment_minor + (charged.upfront_minor if number == 1 else 0),
        )
        for number, (day, (principal, interest)) in enumerate(
            zip(days, amounts, strict=True), start=1
        )
    )
    return Schedule(
        amount=amount,
        signed_on=signed_on,
        every=terms.every,
        interest_basis_points=terms.interest_basis_points,
        upfront_fee_minor=charged.upfront_minor,
        parts=parts,
    )


def period_rate(interest_basis_points: int, every: Frequency) -> Fraction:
    return Fraction(interest_basis_points, WHOLE) * every.years


def split(amount_minor: int, count: int, remainder: Remainder) -> list[int]:
    """Parts that sum to the amount and differ by one unit at most."""
    least, over = divmod(amount_minor, count)
    larger, smaller = [least + 1] * over, [least] * (count - over)
    return larger + smaller if remainder is Remainder.FIRST else smaller + larger


def amortised(
    balance_minor: int, rate: Fraction, count: int, remainder: Remainder, *, first_at_once: bool
) -> list[tuple[int, int]]:
    """Principal and interest of `count` equal instalments that repay a balance.

    `rate` is per period. The first is paid at once, without interest, or after a period.
    """
    if rate == 0:
        return [(principal, 0) for principal in split(balance_minor, count, remainder)]
    instalment = equal_instalment(balance_minor, rate, count, first_at_once=first_at_once)
    first = instalment
    if remainder is Remainder.FIRST and count > 1:
        left = _run(balance_minor, rate, [instalment] * (count - 1), at_once=first_at_once)[1]
        growth = (1 + rate) ** (count - 1)
        beyond = left + half_up(left * rate) - instalment  # excess of the last if all were equal
        first += half_up(beyond / growth)
    payments = [first, *[instalment] * (count - 2)] if count > 1 else []
    paid, left = _run(balance_minor, rate, payments, at_once=first_at_once)
    interest = 0 if first_at_once and count == 1 else half_up(left * rate)
    return [*paid, (left, interest)]


def equal_instalment(balance_minor: int, rate: Fraction, count: int, *, first_at_once: bool) -> int:
    """The instalment of an annuity, rounded half up."""
    discount = 1 / (1 + rate)
    worth = (1 - discount**count) / (1 - discount)  # present value of payments of 1, the first now
    return half_up(balance_minor / (worth if first_at_once else worth * discount))


def _shopper_pays(terms: Terms) -> bool:
    return terms.fees_borne_by is Bearer.SHOPPER


def _amounts(terms: Terms, amount_minor: int) -> list[tuple[int, int]]:
    rate = period_rate(terms.interest_basis_points, terms.every)
    if terms.down_payment_basis_points is None:
        return amortised(amount_minor, rate, terms.payments, terms.remainder, first_at_once=True)
    down = share(amount_minor, terms.down_payment_basis_points)
    later = amortised(
        amount_minor - down, rate, terms.payments - 1, terms.remainder, first_at_once=False
    )
    return [(down, 0), *later]


def _run(
    balance: int, rate: Fraction, payments: Sequence[int], *, at_once: bool
) -> tuple[list[tuple[int, int]], int]:
    """Principal and interest of each payment, and the balance after them."""
    paid = []
    for index, payment in enumerate(payments):
        interest = 0 if at_once and index == 0 else half_up(balance * rate)
        paid.append((payment - interest, interest))
        balance -= payment - interest
    return paid, balance
