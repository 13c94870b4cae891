"""Vocabulary and state machines of payments, attempts and disputes: (state, event) -> state.

An event without an entry in the table changes nothing.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class AttemptKind(Enum):
    """Kind of PSP call."""

    AUTHORISE = "authorise"
    CAPTURE = "capture"
    CANCEL = "cancel"
    REFUND = "refund"


class CaptureMode(Enum):
    NOW = "now"
    MANUAL = "manual"
    DELAYED = "delayed"


class Initiator(Enum):
    CUSTOMER = "customer"
    MERCHANT = "merchant"


class Exemption(Enum):
    """What is requested under strong customer authentication (Delegated Regulation (EU)
    2018/389).
    """

    NONE = "none"
    LOW_VALUE = "low_value"
    TRA = "tra"
    MIT = "mit"  # merchant-initiated: out of scope


class State(Enum):
    """State of a payment."""

    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Event(Enum):
    """What can happen to a payment."""

    TRIED_AGAIN = "tried_again"  # a certain no, and a next attempt
    CHALLENGED = "challenged"
    ACCEPTED = "accepted"  # the outcome comes later
    HELD = "held"
    TAKEN = "taken"
    REFUSED = "refused"
    RELEASED = "released"
    REFUNDED_IN_PART = "refunded_in_part"  # by a refund, or by a refund that failed
    REFUNDED = "refunded"
    KEPT = "kept"  # no successful refund is left


INITIAL: Final = State.PROCESSING
FINAL: Final = frozenset({State.DECLINED, State.CANCELLED})
TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.PROCESSING, Event.TRIED_AGAIN): State.PROCESSING,
    (State.PROCESSING, Event.CHALLENGED): State.REQUIRES_ACTION,
    (State.PROCESSING, Event.ACCEPTED): State.PENDING,
    (State.PROCESSING, Event.HELD): State.AUTHORISED,
    (State.PROCESSING, Event.TAKEN): State.CAPTURED,
    (State.PROCESSING, Event.REFUSED): State.DECLINED,
    (State.PROCESSING, Event.RELEASED): State.CANCELLED,
    (State.REQUIRES_ACTION, Event.CHALLENGED): State.REQUIRES_ACTION,
    (State.REQUIRES_ACTION, Event.ACCEPTED): State.PENDING,
    (State.REQUIRES_ACTION, Event.HELD): State.AUTHORISED,
    (State.REQUIRES_ACTION, Event.TAKEN): State.CAPTURED,
    (State.REQUIRES_ACTION, Event.REFUSED): State.DECLINED,
    (State.REQUIRES_ACTION, Event.RELEASED): State.CANCELLED,
    (State.PENDING, Event.HELD): State.AUTHORISED,
    (State.PENDING, Event.TAKEN): State.CAPTURED,
    (State.PENDING, Event.REFUSED): State.DECLINED,
    (State.PENDING, Event.RELEASED): State.CANCELLED,
    (State.AUTHORISED, Event.TAKEN): State.CAPTURED,
    (State.AUTHORISED, Event.RELEASED): State.CANCELLED,
    (State.CAPTURED, Event.REFUNDED_IN_PART): State.PARTIALLY_REFUNDED,
    (State.CAPTURED, Event.REFUNDED): State.REFUNDED,
    (State.PARTIALLY_REFUNDED, Event.REFUNDED_IN_PART): State.PARTIALLY_REFUNDED,
    (State.PARTIALLY_REFUNDED, Event.REFUNDED): State.REFUNDED,
    (State.PARTIALLY_REFUNDED, Event.KEPT): State.CAPTURED,
    (State.REFUNDED, Event.REFUNDED_IN_PART): State.PARTIALLY_REFUNDED,
    (State.REFUNDED, Event.KEPT): State.CAPTURED,
}


class AttemptState(Enum):
    """State of a PSP call."""

    STARTED = "started"  # about to be sent, or in progress
    ACTION_REQUIRED = "action_required"
    PENDING = "pending"
    UNKNOWN = "unknown"  # called, without a usable answer
    APPROVED = "approved"
    DECLINED = "declined"


class Answer(Enum):
    """The kinds of outcome, and what a PSP may report about a refund after its end."""

    APPROVED = "approved"
    DECLINED = "declined"
    ACTION_REQUIRED = "action_required"
    PENDING = "pending"
    UNKNOWN = "unknown"
    REVERSED = "reversed"  # it had succeeded, and the shopper's bank returned it
    MADE_AFTER_ALL = "made_after_all"  # we had given it up


ATTEMPT_INITIAL: Final = AttemptState.STARTED
ATTEMPT_FINAL: Final = frozenset[AttemptState]()  # refunds may be reversed, or made after all
# States with an outcome: recovery no longer asks.
ATTEMPT_SETTLED: Final = frozenset({AttemptState.APPROVED, AttemptState.DECLINED})
ATTEMPT_TRANSITIONS: Final[Mapping[tuple[AttemptState, Answer], AttemptState]] = {
    (AttemptState.STARTED, Answer.APPROVED): AttemptState.APPROVED,
    (AttemptState.STARTED, Answer.DECLINED): AttemptState.DECLINED,
    (AttemptState.STARTED, Answer.ACTION_REQUIRED): AttemptState.ACTION_REQUIRED,
    (AttemptState.STARTED, Answer.PENDING): AttemptState.PENDING,
    (AttemptState.STARTED, Answer.UNKNOWN): AttemptState.UNKNOWN,
    (AttemptState.UNKNOWN, Answer.APPROVED): AttemptState.APPROVED,
    (AttemptState.UNKNOWN, Answer.DECLINED): AttemptState.DECLINED,
    (AttemptState.UNKNOWN, Answer.ACTION_REQUIRED): AttemptState.ACTION_REQUIRED,
    (AttemptState.UNKNOWN, Answer.PENDING): AttemptState.PENDING,
    (AttemptState.UNKNOWN, Answer.UNKNOWN): AttemptState.UNKNOWN,
    (AttemptState.ACTION_REQUIRED, Answer.APPROVED): AttemptState.APPROVED,
    (AttemptState.ACTION_REQUIRED, Answer.DECLINED): AttemptState.DECLINED,
    (AttemptState.ACTION_REQUIRED, Answer.PENDING): AttemptState.PENDING,
    (AttemptState.PENDING, Answer.APPROVED): AttemptState.APPROVED,
    (AttemptState.PENDING, Answer.DECLINED): AttemptState.DECLINED,
    (AttemptState.APPROVED, Answer.REVERSED): AttemptState.DECLINED,
    (AttemptState.DECLINED, Answer.MADE_AFTER_ALL): AttemptState.APPROVED,
}


class DisputeState(Enum):
    """State of a dispute; the PSP's notices are its events."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


DISPUTE_INITIAL: Final = DisputeState.OPEN
DISPUTE_FINAL: Final = frozenset[DisputeState]()  # there are appeals
DISPUTE_TRANSITIONS: Final[Mapping[tuple[DisputeState, DisputeState], DisputeState]] = {
    (DisputeState.OPEN, DisputeState.WON): DisputeState.WON,
    (DisputeState.OPEN, DisputeState.LOST): DisputeState.LOST,
    (DisputeState.LOST, DisputeState.OPEN): DisputeState.OPEN,
    (DisputeState.LOST, DisputeState.WON): DisputeState.WON,
    (DisputeState.WON, DisputeState.OPEN): DisputeState.OPEN,
    (DisputeState.WON, DisputeState.LOST): DisputeState.LOST,
}


class TraBand(Enum):
    """The merchant's fraud rate at an acquirer, for the exemption by transaction risk."""

    NONE = "none"
    UP_TO_0_13 = "0.13"
    UP_TO_0_06 = "0.06"
    UP_TO_0_01 = "0.01"
