"""The data of a plan's documents: parties, subject, and the results of the rules.

Nothing is decided here: schedule, rate, class and article come from the rules, days from the
caller.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from libs.money import Money
from services.instalments.rules import regimes
from services.instalments.rules.regimes import Classification, PlanClass, Regime
from services.instalments.rules.schedule import Part, Schedule
from services.instalments.rules.terms import MOST_PAYMENTS
from services.instalments.rules.withdrawal import Withdrawal

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Creditor:
    """The merchant, who waits for the money."""

    name: str
    address: str
    email: str
    phone: str = ""
    website: str = ""
    registered: str = ""  # registers and registration numbers
    supervisor: str = ""
    redress: str = ""  # where to take complaints that it has not settled
    colour: str = ""  # "#rrggbb"; ours if it has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What is shown beside a price: a schedule with its cost and legal class.

    `taeg` in percent.
    """

    locale: str
    schedule: Schedule
    taeg: Decimal
    classification: Classification

    @property
    def plan_class(self) -> PlanClass:
        return self.classification.plan_class

    @property
    def regime(self) -> Regime:
        return regimes.named(self.classification.regime)

    @property
    def issued_on(self) -> date:
        return self.schedule.signed_on

    @property
    def parts(self) -> Sequence[Part]:
        """The parts, except those that a refund has reduced to zero."""
        return [part for part in self.schedule.parts if part.total_minor]

    @property
    def price(self) -> Money:
        return self.schedule.amount

    @property
    def paid_at_once(self) -> Money:
        """Part of the price that is paid on the day of signing: not credit."""
        at_once = (part for part in self.parts if part.due_on <= self.issued_on)
        return self.money(sum(part.principal_minor for part in at_once))

    @property
    def credit(self) -> Money:
        """The total amount of credit."""
        return self.price - self.paid_at_once

    @property
    def interest(self) -> Money:
        return self.money(self.schedule.interest_minor)

    @property
    def fees(self) -> Money:
        return self.money(self.schedule.fees_minor)

    @property
    def cost(self) -> Money:
        return self.money(self.schedule.cost_minor)

    @property
    def total(self) -> Money:
        return self.money(self.schedule.total_minor)

    @property
    def nominal_rate(self) -> Decimal:
        """The nominal interest rate, in percent per year."""
        return Decimal(self.schedule.interest_basis_points) / 100

    @property
    def days(self) -> int:
        """Days from signing to the last payment."""
        return (self.schedule.last_due_on - self.issued_on).days

    def money(self, amount_minor: int) -> Money:
        return Money(amount_minor, self.price.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Proposed):
    """A proposal to a person, on the first day of its schedule.

    Raises ValueError, which names the field, for what no document can state.
    """

    creditor: Creditor
    shopper: str
    shopper_address: str = ""
    order_reference: str
    goods: str
    grace_days: int
    late_fee_minor: int  # for each missed instalment
    late_fees_most_minor: int  # for the whole plan
    valid_until: date
    withdraw_until: date | None  # None: no right to withdraw from the deferral itself
    page: str = ""  # where the shopper finds the plan, once it has an address

    def __post_init__(self) -> None:
        for holds, message in _CHECKS:
            if not holds(self):
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice of withdrawal, as received."""

    plan: Plan
    signed_on: date
    name: str  # as the shopper gave it
    received_at: datetime
    sent_to: str
    due: Withdrawal


def _names_fit(plan: Plan) -> bool:
    names = (plan.shopper, plan.order_reference, plan.goods, plan.creditor.name)
    return all(0 < len(name) <= LONGEST_NAME for name in names)


def _texts_fit(plan: Plan) -> bool:
    by = plan.creditor
    texts = (by.address, by.email, by.phone, by.website, by.registered, by.supervisor, by.redress)
    return all(len(text) <= LONGEST_TEXT for text in (*texts, plan.shopper_address, plan.page))


def _adds_up(plan: Plan) -> bool:
    return sum(part.principal_minor for part in plan.parts) == plan.price.amount_minor


def _is_free(plan: Plan) -> bool:
    return plan.plan_class is not PlanClass.DEFERRAL or plan.cost.amount_minor == 0


def _can_be_withdrawn(plan: Plan) -> bool:
    return plan.plan_class is not PlanClass.CREDIT or plan.withdraw_until is not None


_CHECKS: Final[Sequence[tuple[Callable[[Plan], bool], str]]] = (
    (lambda plan: 1 <= len(plan.parts) <= MOST_PAYMENTS, f"schedule: 1 to {MOST_PAYMENTS} parts"),
    (_adds_up, "schedule: the principal of its parts sums to the amount"),
    (_is_free, "classification: a deferral has neither interest nor fees"),
    (_can_be_withdrawn, "withdraw_until: consumer credit has a right of withdrawal"),
    (_names_fit, f"shopper, order_reference, goods, creditor.name: 1 to {LONGEST_NAME} characters"),
    (_texts_fit, f"creditor, shopper_address, page: texts of at most {LONGEST_TEXT} characters"),
)
