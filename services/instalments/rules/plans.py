"""Plans: a price that a customer has agreed to pay in parts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from libs.errors import StoredRefusal
from libs.money import Money
from libs.payments.answer import Advice, Decline
from services.instalments.errors import (
    PlanBusy,
    PlanClosed,
    PlanInReview,
    PlanNotCancellable,
    PlanPaid,
)
from services.instalments.rules.affordability import Review
from services.instalments.rules.items import Line
from services.instalments.rules.offers import Priced
from services.instalments.rules.schedule import Part, Schedule
from services.instalments.rules.states import (
    PLAN_TRANSITIONS,
    CollectionState,
    InstalmentState,
    PlanEvent,
    PlanState,
)
from services.instalments.rules.terms import FinancedBy, Terms
from services.instalments.rules.withdrawal import Withdrawn

CHARGED_AT: Final = time(10)  # in the merchant's time zone: nobody is charged at night
OPEN: Final = (InstalmentState.PLANNED, InstalmentState.COLLECTING, InstalmentState.MISSED)
ENDED: Final = frozenset({InstalmentState.PAID, InstalmentState.CANCELLED})
UNSIGNED: Final = (PlanState.OFFERED, PlanState.ACCEPTED)
WAITING: Final = (*UNSIGNED, PlanState.IN_REVIEW)  # not being paid yet
# Its customer owes the open amount.
BINDING: Final = (
    PlanState.ACCEPTED,
    PlanState.ACTIVE,
    PlanState.DEFAULTED,
    PlanState.WITHDRAWN,
)
COLLECTED: Final = (  # its parts are charged
    PlanState.ACTIVE,
    PlanState.DEFAULTED,
    PlanState.WITHDRAWN,
)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Evidence of the customer's acceptance: the agreement's SHA-256, and the address."""

    text_version: str
    agreement_sha256: str
    accepted_at: datetime
    ip: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`priced` and `offer` as quoted; `terms` those on which it was created. `due_at`: when a
    worker has to look at it, for the expiry of its offer, a late fee or default.
    """

    merchant_id: str
    id: str
    state: PlanState
    quote_id: str
    customer_id: str
    order_reference: str
    amount: Money
    locale: str
    terms: Terms
    priced: Priced
    offer: bytes
    time_zone: str
    instrument_id: str | None = None
    return_url: str
    acceptance: Acceptance | None = None
    review: Review | None = None
    withdrawal: Withdrawn | None = None
    metadata: Mapping[str, str]
    trace_id: str
    expires_at: datetime
    created_at: datetime
    activated_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None
    price_refunded_minor: int = 0  # refunded, or no longer owed
    items: tuple[Line, ...] = ()

    @property
    def by_partner(self) -> bool:
        return self.terms.financed_by is FinancedBy.PARTNER

    @property
    def schedule(self) -> Schedule:
        """The quoted schedule; for a partner's plan, the price, which the partner pays at once."""
        quoted = self.priced.schedule
        if not self.by_partner:
            return quoted
        price = Part(1, quoted.signed_on, self.amount.amount_minor)
        return replace(quoted, upfront_fee_minor=0, parts=(price,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """`due_at`: when its card is charged; None: not automatically. `advice`: what can be tried after
    its decline. A paid one was charged its amount plus what was or will be refunded.
    """

    merchant_id: str
    plan_id: str
    number: int
    state: InstalmentState
    due_on: date
    principal_minor: int
    interest_minor: int
    fee_minor: int
    late_fee_minor: int = 0
    rebate_minor: int = 0  # deducted because it was paid early
    tries: int = 0
    payment_id: str | None = None
    missed_at: datetime | None = None
    paid_at: datetime | None = None
    due_at: datetime | None = None
    advice: Advice | None = None
    refunded_minor: int = 0
    refunding_minor: int = 0
    written_off_at: datetime | None = None
    disputed_minor: int = 0  # held in an open dispute
    lost_minor: int = 0  # lost in a dispute
    charged_back_minor: int = 0  # the part of the refunded amount that disputes have taken

    @property
    def amount_minor(self) -> int:
        costs = self.interest_minor + self.fee_minor + self.late_fee_minor
        return self.principal_minor + costs - self.rebate_minor


@dataclass(frozen=True, slots=True)
class Covered:
    """A part paid by a collection, and its rebate."""

    number: int
    rebate_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One payment requested for an instalment; `id` is the key of payments.CreatePayment. One that
    settles a plan `covers` all remaining parts; `number` is the first of them.
    """

    merchant_id: str
    id: str
    plan_id: str
    number: int
    state: CollectionState
    amount: Money
    instrument_id: str | None  # None: a partner's method
    by_customer: bool  # otherwise on the mandate, on its due date
    rebate_minor: int = 0  # deducted if this pays
    covers: tuple[Covered, ...] = ()
    request: bytes | None  # the request to payments, sealed; None once answered
    payment_id: str | None = None
    next_action_url: str | None = None
    decline: Decline | None = None
    refusal: StoredRefusal | None = None
    giving_up: bool = False  # its plan is being cancelled: payments is asked to cancel it
    created_at: datetime

    @property
    def pays(self) -> tuple[Covered, ...]:
        return self.covers or (Covered(self.number, self.rebate_minor),)


class DocumentKind(Enum):
    INFORMATION = "information"
    AGREEMENT = "agreement"
    RECEIPT = "receipt"  # of a withdrawal


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF as delivered."""

    kind: DocumentKind
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan with its parts, and the latest payment requested for it."""

    plan: Plan
    parts: Sequence[Instalment]
    latest: Collection | None = None


def moved(plan: Plan, event: PlanEvent) -> PlanState:
    """Raises PlanClosed if `event` is not allowed."""
    to = PLAN_TRANSITIONS.get((plan.state, event))
    if to is None:
        raise PlanClosed
    return to


def check_signable(plan: Plan, first: Instalment, now: datetime) -> None:
    """Checks that its first part can be paid. Raises PlanPaid, PlanBusy, PlanInReview, PlanClosed."""
    if first.state is InstalmentState.PAID:
        raise PlanPaid
    if first.state is InstalmentState.COLLECTING:
        raise PlanBusy
    check_unsigned(plan, now)


def check_unsigned(plan: Plan, now: datetime) -> None:
    if plan.state is PlanState.IN_REVIEW and now < plan.expires_at:
        raise PlanInReview
    if plan.state not in UNSIGNED or plan.expires_at <= now:
        raise PlanClosed


def is_signable(shown: Shown, now: datetime) -> bool:
    waits = shown.parts[0].state is InstalmentState.PLANNED
    return waits and shown.plan.state in UNSIGNED and now < shown.plan.expires_at


def accepted(plan: Plan, acceptance: Acceptance, instrument_id: str) -> Plan:
    state = moved(plan, PlanEvent.ACCEPT)
    return replace(plan, state=state, acceptance=acceptance, instrument_id=instrument_id)


def cancelled(plan: Plan, first: Instalment, now: datetime) -> Plan:
    """Cancelling again changes nothing. Raises PlanNotCancellable."""
    if plan.state is PlanState.CANCELLED:
        return plan
    if plan.state not in WAITING or first.state is not InstalmentState.PLANNED:
        raise PlanNotCancellable
    return _ended(plan, PlanEvent.CANCEL, now)


def expired(plan: Plan, first: Instalment, now: datetime) -> Plan:
    """Unchanged if it has not expired, or if its first part is being paid."""
    busy = first.state is not InstalmentState.PLANNED
    if plan.state not in WAITING or busy or now < plan.expires_at:
        return plan
    return _ended(plan, PlanEvent.EXPIRE, now)


def charged_at(instalment: Instalment, time_zone: str) -> datetime:
    """When its card is charged automatically: on its due date, during the day."""
    return hour_of(instalment.due_on, time_zone)


def hour_of(day: date, time_zone: str) -> datetime:
    """The time of an automatic action that is due on a day."""
    return datetime.combine(day, CHARGED_AT, ZoneInfo(time_zone))


def day_of(at: datetime, time_zone: str) -> date:
    return at.astimezone(ZoneInfo(time_zone)).date()


def activated(
    plan: Plan, parts: Sequence[Instalment], now: datetime
) -> tuple[Plan, Sequence[Instalment]]:
    """Plan and parts once the first part is paid: the others get their dates."""
    state = moved(plan, PlanEvent.ACTIVATE)
    dated = [
        replace(part, due_at=charged_at(part, plan.time_zone))
        if part.state is InstalmentState.PLANNED
        else part
        for part in parts
    ]
    return replace(plan, state=state, activated_at=now, ended_at=None, due_at=None), dated


def completed(plan: Plan, parts: Sequence[Instalment], now: datetime) -> Plan:
    """Unchanged while something is still to be paid."""
    given_up = plan.state is not PlanState.WRITTEN_OFF
    over = {*ENDED, InstalmentState.WRITTEN_OFF} if given_up else ENDED
    if plan.state is PlanState.COMPLETED or any(part.state not in over for part in parts):
        return plan
    return _ended(plan, PlanEvent.COMPLETE, now)


def _ended(plan: Plan, event: PlanEvent, now: datetime) -> Plan:
    return replace(plan, state=moved(plan, event), ended_at=now, due_at=None)
