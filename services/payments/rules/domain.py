"""The data of a payment. Pure. starting.py begins its PSP calls, settling.py applies outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs.money import Money
from services.payments.rules.outcomes import Declined
from services.payments.rules.states import (
    AttemptKind,
    AttemptState,
    CaptureMode,
    DisputeState,
    Exemption,
    Initiator,
    State,
)

CHALLENGE_FOR: Final = timedelta(hours=1)  # then the payment is cancelled
CAPTURE_AGAIN_IN: Final = timedelta(hours=1)  # after a refused delayed capture
CAPTURE_TRIED_FOR: Final = timedelta(hours=24)
MOST_REFUNDS: Final = 100  # per payment, failed ones included; those made at the PSP come on top


@dataclass(frozen=True, slots=True)
class Shopper:
    """Shopper data that a PSP's own payment method needs."""

    email: str = field(default="", repr=False)
    country: str = ""


NOBODY: Final = Shopper()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A PSP account that may take the payment, with its token for the instrument.

    Token, customer and shopper are cleared with the outcome, and are ignored by comparisons.
    """

    psp_account_id: str
    psp_account: str
    psp: str
    token: str = field(repr=False, compare=False)
    psp_customer: str = field(default="", repr=False, compare=False)
    exemption: Exemption = Exemption.NONE
    shopper: Shopper = field(default=NOBODY, compare=False)


class RefundState(Enum):
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as the shop sees it: the attempt with the same id."""

    id: str
    state: RefundState
    amount_minor: int
    reason: str
    created_at: datetime
    psp_reference: str = ""
    elsewhere: bool = False  # made at the PSP by somebody else, e.g. in its console
    caller_key: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    id: str
    merchant_id: str
    payment_id: str
    state: DisputeState
    amount_minor: int
    currency: str
    reason: str
    psp_reference: str  # the PSP's id of the dispute
    created_at: datetime
    told_at: datetime  # the PSP's time of the latest notice


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of an order. Amounts in minor units of `currency`."""

    merchant_id: str
    id: str
    state: State
    amount_minor: int
    currency: str
    capture: CaptureMode
    order_reference: str
    method: str
    initiator: Initiator
    candidates: tuple[Candidate, ...]
    created_at: datetime
    capturable_minor: int  # what will be or was captured
    authorised_minor: int = 0
    capturing_minor: int = 0  # of a capture in progress
    captured_minor: int = 0
    refunding_minor: int = 0  # of refunds in progress
    refunded_minor: int = 0
    version: int = 0
    capture_at: datetime | None = None
    due_at: datetime | None = None  # when a worker must capture or give up
    challenged_at: datetime | None = None
    order_part: str = ""  # the part of the order that it pays: see orders.py
    # Who is paying: see velocity.py. Cleared when the attempt ends, and ignored by comparisons.
    velocity_subjects: tuple[str, ...] = field(default=(), repr=False, compare=False)
    duplicate_of: str = ""  # the order's first payment, if this one is a second one
    customer_id: str = ""
    instrument_id: str = ""
    brand: str = ""  # of the card, and its last digits, by which a shopper recognises it
    last4: str = ""
    mandate_reference: str = ""
    exemption: Exemption = Exemption.NONE
    return_url: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    traceparent: str = ""
    actor: str = ""
    caller: str = ""  # the service that created it, and its key
    caller_key: str = ""
    psp_account_id: str = ""
    psp_account: str = ""
    psp_reference: str = ""
    next_action_url: str = ""
    decline: Declined | None = None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()

    @property
    def refundable_minor(self) -> int:
        return self.captured_minor - self.refunded_minor - self.refunding_minor

    def money(self, amount_minor: int) -> Money:
        return Money(amount_minor, self.currency)

    def candidate(self, psp_account_id: str) -> Candidate:
        """The candidate of an attempt. Raises StopIteration for a foreign account."""
        return next(c for c in self.candidates if c.psp_account_id == psp_account_id)

    def charge_of(self, operation: "Attempt") -> str:
        """The PSP's reference of the charge that a capture, cancellation or refund concerns."""
        return operation.charge_reference or self.psp_reference


@dataclass(frozen=True, slots=True)
class Attempt:
    """One PSP call, whose id is the PSP's idempotency key; or an operation that somebody else made
    at the PSP.
    """

    merchant_id: str
    id: str
    payment_id: str
    kind: AttemptKind
    psp_account_id: str
    amount_minor: int
    created_at: datetime
    state: AttemptState = AttemptState.STARTED
    token: str = field(default="", repr=False)
    psp_customer: str = ""
    exemption: Exemption = Exemption.NONE
    force_challenge: bool = False
    reason: str = ""  # the merchant's reason for a refund
    caller_key: str = ""  # the key under which a refund was requested
    psp_reference: str = ""
    decline: Declined | None = None
    recovery_tries: int = 0
    settled_at: datetime | None = None
    elsewhere: bool = False  # made at the PSP by somebody else: never sent
    charge_reference: str = ""  # the PSP's charge, if it does not hold the payment's money
    undoes: str = ""  # the authorisation that was approved after a no
    watched: bool = False  # recovery asks about it
    unresolved: bool = False  # and a person has to look


class Fact(Enum):
    """What is published; each has its protobuf event."""

    ACTION_REQUIRED = "action_required"
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    LOWERED = "lowered"
    CAPTURE_FAILED = "capture_failed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    LATE_APPROVAL = "late_approval"
    LATE_APPROVAL_UNDONE = "late_approval_undone"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_UPDATED = "dispute_updated"
    DISPUTE_CLOSED = "dispute_closed"


@dataclass(frozen=True, slots=True)
class Happened:
    """`subject_id` names the refund or dispute concerned, `psp_reference` a charge that is not the
    payment's. `previous`: the dispute before; None if it was unknown.
    """

    fact: Fact
    amount_minor: int = 0
    subject_id: str = ""
    psp_reference: str = ""
    previous: Dispute | None = None
    had_succeeded: bool = False  # the refund, before it failed
