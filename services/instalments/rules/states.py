"""States of plans, of instalments, and of requests to payments and paylink for them."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from libs.payments import links, repayments
from libs.payments.answer import Outcome


class PlanState(Enum):
    OFFERED = "offered"  # the customer can accept it
    IN_REVIEW = "in_review"  # a person decides whether the customer can accept it
    REFUSED = "refused"  # a person has decided against it
    ACCEPTED = "accepted"  # accepted; the first part is still to be paid
    ACTIVE = "active"  # the first part is paid, others follow
    COMPLETED = "completed"
    DEFAULTED = "defaulted"  # parts were missed for too long
    WRITTEN_OFF = "written_off"  # the merchant has written off what is left
    WITHDRAWN = "withdrawn"  # the customer owes one last part
    CANCELLED = "cancelled"  # the merchant withdrew the offer
    EXPIRED = "expired"  # it was not signed in time


class PlanEvent(Enum):
    REVIEW = "review"
    APPROVE = "approve"
    REFUSE = "refuse"
    ACCEPT = "accept"
    ACTIVATE = "activate"
    COMPLETE = "complete"
    DEFAULT = "default"
    WRITE_OFF = "write_off"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    EXPIRE = "expire"
    FINANCE = "finance"


PLAN_INITIAL: Final = PlanState.OFFERED
PLAN_FINAL: Final = frozenset({PlanState.COMPLETED, PlanState.REFUSED})
_UNSIGNED: Final = (PlanState.OFFERED, PlanState.ACCEPTED)
_WAITING: Final = (*_UNSIGNED, PlanState.IN_REVIEW)
PLAN_TRANSITIONS: Final[Mapping[tuple[PlanState, PlanEvent], PlanState]] = {
    **{(state, PlanEvent.ACCEPT): PlanState.ACCEPTED for state in _UNSIGNED},
    **{(state, PlanEvent.CANCEL): PlanState.CANCELLED for state in _WAITING},
    **{(state, PlanEvent.EXPIRE): PlanState.EXPIRED for state in _WAITING},
    **{(state, PlanEvent.REVIEW): PlanState.IN_REVIEW for state in _UNSIGNED},
    (PlanState.IN_REVIEW, PlanEvent.APPROVE): PlanState.OFFERED,
    (PlanState.IN_REVIEW, PlanEvent.REFUSE): PlanState.REFUSED,
    (PlanState.ACCEPTED, PlanEvent.ACTIVATE): PlanState.ACTIVE,
    # The first payment succeeded although its offer had ended meanwhile.
    (PlanState.EXPIRED, PlanEvent.ACTIVATE): PlanState.ACTIVE,
    (PlanState.CANCELLED, PlanEvent.ACTIVATE): PlanState.ACTIVE,
    # A partner paid everything at once, possibly after the offer had ended here.
    (PlanState.OFFERED, PlanEvent.FINANCE): PlanState.COMPLETED,
    (PlanState.EXPIRED, PlanEvent.FINANCE): PlanState.COMPLETED,
    (PlanState.CANCELLED, PlanEvent.FINANCE): PlanState.COMPLETED,
    (PlanState.ACTIVE, PlanEvent.COMPLETE): PlanState.COMPLETED,
    (PlanState.ACTIVE, PlanEvent.DEFAULT): PlanState.DEFAULTED,
    (PlanState.ACTIVE, PlanEvent.WITHDRAW): PlanState.WITHDRAWN,
    (PlanState.DEFAULTED, PlanEvent.WITHDRAW): PlanState.WITHDRAWN,
    (PlanState.WITHDRAWN, PlanEvent.COMPLETE): PlanState.COMPLETED,
    (PlanState.DEFAULTED, PlanEvent.COMPLETE): PlanState.COMPLETED,
    (PlanState.DEFAULTED, PlanEvent.WRITE_OFF): PlanState.WRITTEN_OFF,
    # Everything was paid in the end.
    (PlanState.WRITTEN_OFF, PlanEvent.COMPLETE): PlanState.COMPLETED,
}


class InstalmentState(Enum):
    PLANNED = "planned"  # still to be paid
    COLLECTING = "collecting"  # being charged
    PAID = "paid"
    MISSED = "missed"  # not paid when it was due
    WRITTEN_OFF = "written_off"  # written off by the merchant; a payment still counts
    CANCELLED = "cancelled"  # no longer owed


class InstalmentEvent(Enum):
    COLLECT = "collect"
    PAY = "pay"
    MISS = "miss"
    PLAN = "plan"
    WRITE_OFF = "write_off"
    CANCEL = "cancel"


INSTALMENT_INITIAL: Final = InstalmentState.PLANNED
INSTALMENT_FINAL: Final = frozenset({InstalmentState.PAID, InstalmentState.CANCELLED})
_OPEN: Final = (InstalmentState.PLANNED, InstalmentState.COLLECTING, InstalmentState.MISSED)
_UNENDED: Final = (*_OPEN, InstalmentState.WRITTEN_OFF)
INSTALMENT_TRANSITIONS: Final[Mapping[tuple[InstalmentState, InstalmentEvent], InstalmentState]] = {
    (InstalmentState.PLANNED, InstalmentEvent.COLLECT): InstalmentState.COLLECTING,
    (InstalmentState.MISSED, InstalmentEvent.COLLECT): InstalmentState.COLLECTING,
    (InstalmentState.WRITTEN_OFF, InstalmentEvent.COLLECT): InstalmentState.COLLECTING,
    **{(state, InstalmentEvent.PAY): InstalmentState.PAID for state in _UNENDED},
    **{(state, InstalmentEvent.WRITE_OFF): InstalmentState.WRITTEN_OFF for state in _OPEN},
    # A planned one whose card is gone was never requested.
    (InstalmentState.PLANNED, InstalmentEvent.MISS): InstalmentState.MISSED,
    (InstalmentState.COLLECTING, InstalmentEvent.MISS): InstalmentState.MISSED,
    # No money was taken, and the instalment is not due yet: the first one, or one that was being
    # paid early.
    (InstalmentState.COLLECTING, InstalmentEvent.PLAN): InstalmentState.PLANNED,
    **{(state, InstalmentEvent.CANCEL): InstalmentState.CANCELLED for state in _UNENDED},
}


class CollectionState(Enum):
    """State of one payment requested for an instalment."""

    STARTED = "started"  # payments was asked, or is about to be
    UNDER_WAY = "under_way"  # there is a payment without a known outcome
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # payments made no payment


COLLECTION_INITIAL: Final = CollectionState.STARTED
COLLECTION_FINAL: Final = frozenset(
    {
        CollectionState.SUCCEEDED,
        CollectionState.DECLINED,
        CollectionState.CANCELLED,
        CollectionState.REFUSED,
    }
)
COLLECTION_OPEN: Final = (CollectionState.STARTED, CollectionState.UNDER_WAY)
_AFTER: Final[Mapping[Outcome, CollectionState]] = {
    Outcome.WAIT: CollectionState.UNDER_WAY,
    Outcome.SUCCEED: CollectionState.SUCCEEDED,
    Outcome.DECLINE: CollectionState.DECLINED,
    Outcome.CANCEL: CollectionState.CANCELLED,
    Outcome.REFUSE: CollectionState.REFUSED,
}
COLLECTION_TRANSITIONS: Final[Mapping[tuple[CollectionState, Outcome], CollectionState]] = {
    **{(CollectionState.STARTED, outcome): to for outcome, to in _AFTER.items()},
    **{
        (CollectionState.UNDER_WAY, outcome): to
        for outcome, to in _AFTER.items()
        if outcome is not Outcome.REFUSE
    },
}


REPAYMENT_INITIAL: Final = repayments.INITIAL
REPAYMENT_FINAL: Final = repayments.FINAL
REPAYMENT_TRANSITIONS: Final = repayments.TRANSITIONS  # of refunds of a plan's payments
LINK_INITIAL: Final = links.INITIAL
LINK_FINAL: Final = links.FINAL
LINK_TRANSITIONS: Final = links.TRANSITIONS  # of payment links of missed parts
