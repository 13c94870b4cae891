"""Terms: how a merchant lets shoppers pay over time, and what terms may contain. Pure.

schedule.py computes their amounts, regimes.py their legal class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import Final

from libs.errors import invalid
from libs.money import exponent, is_currency
from libs.rounding import WHOLE

DAYS_OF_A_WEEK: Final = 7
MOST_PAYMENTS: Final = 120
MOST_YEARS: Final = 30  # from the first payment to the last
MOST_INTEREST: Final = WHOLE  # 100 % per year: more is a mistake
MOST_GRACE_DAYS: Final = 60
MOST_DUNNING_STEPS: Final = 10
MOST_DUNNING_DAYS: Final = 180
MOST_NAMES: Final = 50  # of categories, of segments
MOST_NAME: Final = 64  # characters of one
LARGEST_MINOR: Final = 999_999_999_999
SMALLEST_MAJOR: Final = 150  # minimum for instalments by default
LARGEST_MAJOR: Final = 2_000


class TermsState(Enum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class Unit(Enum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


# A year has 365 days, 52 weeks or 12 equal months (Directive 2008/48/EC, Annex I).
_IN_A_YEAR: Final = {Unit.DAY: 365, Unit.WEEK: 52, Unit.MONTH: 12}
_MOST: Final = {Unit.DAY: 366, Unit.WEEK: 52, Unit.MONTH: 12}


@dataclass(frozen=True, slots=True)
class Frequency:
    """Interval between payments: `n` units, e.g. every 14 days."""

    unit: Unit
    n: int

    @property
    def counted_in(self) -> Unit:
        """The unit for counting time: every 14 days counts as two weeks."""
        weeks = self.unit is Unit.DAY and self.n % DAYS_OF_A_WEEK == 0
        return Unit.WEEK if weeks else self.unit

    @property
    def years(self) -> Fraction:
        n = self.n if self.counted_in is self.unit else self.n // DAYS_OF_A_WEEK
        return Fraction(n, _IN_A_YEAR[self.counted_in])


class Bearer(Enum):
    """Who pays the fees. Fees borne by the merchant are no charge to the shopper."""

    SHOPPER = "shopper"
    MERCHANT = "merchant"


class Remainder(Enum):
    """Which instalments take the indivisible units."""

    FIRST = "first"
    LAST = "last"


class FinancedBy(Enum):
    OWN = "own"  # the merchant waits for the money
    ASSIGNED = "assigned"  # like OWN, but the claim is assigned to a third party by agreement
    PARTNER = "partner"  # a PSP's method pays at once


@dataclass(frozen=True, slots=True)
class Partner:
    """A PSP's method that gives the credit, e.g. `klarna` of an account `stripe-main`."""

    psp_account: str
    method: str


@dataclass(frozen=True, slots=True)
class Dunning:
    """Steps after a missed instalment, in days; `remind_before` counts back from its due date."""

    remind_before: tuple[int, ...]
    retry_after: tuple[int, ...]
    remind_after: tuple[int, ...]
    default_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The first of `payments` is due on signing, the others at the interval `every`.

    `down_payment_basis_points`: first payment as a share of the amount; None: as much as later
    ones. `interest_basis_points`: nominal, annual. `upfront_fee_*` are added and paid first,
    `payment_fee_minor` with each payment. `working_days_only` moves due dates from weekends and
    national holidays to the next working day. `late_fee_minor` is charged for each instalment
    missed beyond `grace_days`, `late_fees_most_minor` is the plan's maximum. Empty `categories` and
    `segments` mean all.
    """

    id: str
    merchant_id: str
    state: TermsState = TermsState.ACTIVE
    name: str
    currency: str
    payments: int
    every: Frequency
    down_payment_basis_points: int | None = None
    interest_basis_points: int = 0
    upfront_fee_minor: int = 0
    upfront_fee_basis_points: int = 0
    payment_fee_minor: int = 0
    fees_borne_by: Bearer = Bearer.SHOPPER
    min_amount_minor: int
    max_amount_minor: int
    categories: tuple[str, ...] = ()
    excluded_categories: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    remainder: Remainder = Remainder.LAST
    working_days_only: bool = False
    grace_days: int
    late_fee_minor: int = 0
    late_fees_most_minor: int = 0
    dunning: Dunning
    financed_by: FinancedBy = FinancedBy.OWN
    partner: Partner | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime


DEFAULT_GRACE_DAYS: Final = 5
DEFAULT_DUNNING: Final = Dunning(
    remind_before=(3,), retry_after=(3, 8, 15), remind_after=(1, 8, 15), default_after=60
)


def default_terms(*, terms_id: str, merchant_id: str, currency: str, now: datetime) -> Terms:
    """The terms of a new merchant: lawful without a licence for a small or medium-sized seller.

    Three payments, 15 days apart, without interest or fee. The last is due after 30 days and
    retried until day 45, both within the 50 days of a deferral (regimes/it.toml). A large online
    seller has 14 days: for it these terms are credit, and refused without a licence; payments every
    7 days are not.
    """
    major = 10 ** exponent(currency)
    return Terms(
        id=terms_id,
        merchant_id=merchant_id,
        name="3 payments in 30 days",
        currency=currency,
        payments=3,
        every=Frequency(Unit.DAY, 15),
        min_amount_minor=SMALLEST_MAJOR * major,
        max_amount_minor=LARGEST_MAJOR * major,
        grace_days=DEFAULT_GRACE_DAYS,
        dunning=DEFAULT_DUNNING,
        created_at=now,
    )


def checked(terms: Terms) -> Terms:
    """The terms, if they can be offered. Raises InvalidArgument, which names the field."""
    if not is_currency(terms.currency):
        raise invalid("currency", "must be an ISO 4217 code such as EUR")
    _check_payments(terms)
    _check_costs(terms)
    _check_amounts(terms)
    for name in ("categories", "excluded_categories", "segments"):
        _check_names(name, getattr(terms, name))
    if both := set(terms.categories) & set(terms.excluded_categories):
        raise invalid("excluded_categories", f"contains {min(both)}, which is also in categories")
    _check_lateness(terms)
    _check_dunning(terms.dunning)
    _check_financing(terms)
    return terms


def _within(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise invalid(name, f"must be {least} to {most}")


def _check_payments(terms: Terms) -> None:
    _within("payments", terms.payments, 1, MOST_PAYMENTS)
    _within("every.n", terms.every.n, 1, _MOST[terms.every.unit])
    if (terms.payments - 1) * terms.every.years > MOST_YEARS:
        raise invalid("every", f"makes the payments last longer than {MOST_YEARS} years")
    if terms.working_days_only and terms.every.years < Frequency(Unit.WEEK, 1).years:
        raise invalid("working_days_only", "needs payments at least a week apart")
    share = terms.down_payment_basis_points
    if share is None:
        return
    _within("down_payment_basis_points", share, 1, WHOLE - 1)
    if terms.payments == 1:
        raise invalid("down_payment_basis_points", "needs at least 2 payments")


def _check_costs(terms: Terms) -> None:
    _within("interest_basis_points", terms.interest_basis_points, 0, MOST_INTEREST)
    _within("upfront_fee_minor", terms.upfront_fee_minor, 0, LARGEST_MINOR)
    _within("upfront_fee_basis_points", terms.upfront_fee_basis_points, 0, WHOLE)
    _within("payment_fee_minor", terms.payment_fee_minor, 0, LARGEST_MINOR)
    if terms.payments > 1:
        return
    for name in (
        "interest_basis_points",
        "upfront_fee_minor",
        "upfront_fee_basis_points",
        "payment_fee_minor",
    ):
        if getattr(terms, name):
            raise invalid(name, "must be 0 when everything is paid at once")


def _check_amounts(terms: Terms) -> None:
    _within("min_amount_minor", terms.min_amount_minor, 1, LARGEST_MINOR)
    if terms.min_amount_minor < terms.payments:
        raise invalid("min_amount_minor", f"is too small for {terms.payments} payments")
    _within("max_amount_minor", terms.max_amount_minor, terms.min_amount_minor, LARGEST_MINOR)


def _check_names(name: str, names: Sequence[str]) -> None:
    if len(names) > MOST_NAMES:
        raise invalid(name, f"must have at most {MOST_NAMES} elements")
    for index, each in enumerate(names):
        if not 1 <= len(each) <= MOST_NAME:
            raise invalid(f"{name}.{index}", f"must have 1 to {MOST_NAME} characters")
        if each in names[:index]:
            raise invalid(f"{name}.{index}", "is a duplicate")


def _check_lateness(terms: Terms) -> None:
    _within("grace_days", terms.grace_days, 0, MOST_GRACE_DAYS)
    _within("late_fee_minor", terms.late_fee_minor, 0, LARGEST_MINOR)
    _within("late_fees_most_minor", terms.late_fees_most_minor, 0, LARGEST_MINOR)
    if terms.late_fees_most_minor < terms.late_fee_minor:
        raise invalid("late_fees_most_minor", "must be at least late_fee_minor")


def _check_dunning(dunning: Dunning) -> None:
    _within("dunning.default_after", dunning.default_after, 1, MOST_DUNNING_DAYS)
    most = dunning.default_after
    _check_days("dunning.remind_before", dunning.remind_before, MOST_DUNNING_DAYS)
    _check_days("dunning.retry_after", dunning.retry_after, most)
    _check_days("dunning.remind_after", dunning.remind_after, most)


def _check_days(name: str, days: Sequence[int], most: int) -> None:
    """Checks that each is later than the one before it, and none is after the plan defaults."""
    if len(days) > MOST_DUNNING_STEPS:
        raise invalid(name, f"must have at most {MOST_DUNNING_STEPS} elements")
    for index, day in enumerate(days):
        _within(f"{name}.{index}", day, 1, most)
        if index and day <= days[index - 1]:
            raise invalid(f"{name}.{index}", "must be later than the one before it")


def _check_financing(terms: Terms) -> None:
    by_partner = terms.financed_by is FinancedBy.PARTNER
    if by_partner and terms.partner is None:
        raise invalid("partner", "is required when a partner gives the credit")
    if not by_partner and terms.partner is not None:
        raise invalid("partner", "needs financed_by partner")
