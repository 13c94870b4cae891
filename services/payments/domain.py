"""What a payment is, and how its captures, cancellations and refunds begin.

Pure: `now` and ids are arguments. What an outcome does to a payment is in settling.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs.money import Money
from services.payments.errors import (
    CaptureTooLarge,
    CurrencyMismatch,
    PaymentDisputed,
    PaymentNotCancellable,
    PaymentNotCapturable,
    PaymentNotRefundable,
    RefundTooLarge,
)
from services.payments.outcomes import Declined
from services.payments.states import (
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A PSP account that may take the payment, with its token of the instrument."""

    psp_account_id: str
    psp_account: str
    psp: str
    token: str = field(repr=False)
    psp_customer: str = ""
    exemption: Exemption = Exemption.NONE


class RefundState(Enum):
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back: the attempt of the same id, as the shop sees it."""

    id: str
    state: RefundState
    amount_minor: int
    reason: str
    created_at: datetime


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


@dataclass(frozen=True, slots=True)
class Payment:
    """One order's money. Amounts in minor units of `currency`."""

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
    capturing_minor: int = 0  # of a capture under way
    captured_minor: int = 0
    refunding_minor: int = 0  # of refunds under way
    refunded_minor: int = 0
    version: int = 0
    capture_at: datetime | None = None
    due_at: datetime | None = None  # when a worker must capture or give up
    challenged_at: datetime | None = None
    customer_id: str = ""
    instrument_id: str = ""
    mandate_reference: str = ""
    exemption: Exemption = Exemption.NONE
    return_url: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    traceparent: str = ""
    actor: str = ""
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
        """The candidate that an attempt used. StopIteration for a foreign account."""
        return next(c for c in self.candidates if c.psp_account_id == psp_account_id)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One PSP call. Its id is the PSP's idempotency key."""

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
    reason: str = ""  # the merchant's, of a refund
    psp_reference: str = ""
    decline: Declined | None = None
    recovery_tries: int = 0
    settled_at: datetime | None = None


class Fact(Enum):
    """What is told to the other services; each has its protobuf event."""

    ACTION_REQUIRED = "action_required"
    PENDING = "pending"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    CAPTURE_FAILED = "capture_failed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_CLOSED = "dispute_closed"


@dataclass(frozen=True, slots=True)
class Happened:
    """`subject_id` names the refund or dispute that it is about."""

    fact: Fact
    amount_minor: int = 0
    subject_id: str = ""


def authorisation(
    payment: Payment,
    candidate: Candidate,
    *,
    attempt_id: str,
    now: datetime,
    force_challenge: bool = False,
) -> tuple[Payment, Attempt]:
    """The next try of taking the money, through `candidate`."""
    exemption = Exemption.NONE if force_challenge else candidate.exemption
    attempt = Attempt(
        merchant_id=payment.merchant_id,
        id=attempt_id,
        payment_id=payment.id,
        kind=AttemptKind.AUTHORISE,
        psp_account_id=candidate.psp_account_id,
        amount_minor=payment.amount_minor,
        created_at=now,
        token=candidate.token,
        psp_customer=candidate.psp_customer,
        exemption=exemption,
        force_challenge=force_challenge,
    )
    at_account = replace(
        payment,
        psp_account_id=candidate.psp_account_id,
        psp_account=candidate.psp_account,
        exemption=exemption,
    )
    return at_account, attempt


def start_capture(
    payment: Payment, amount: Money | None, *, attempt_id: str, now: datetime
) -> tuple[Payment, Attempt]:
    """Reserve the amount (None: all that is capturable). A partial capture is final."""
    _same_currency(payment, amount)
    if payment.state is not State.AUTHORISED or payment.capturing_minor:
        raise PaymentNotCapturable
    wanted = payment.capturable_minor if amount is None else amount.amount_minor
    if wanted > payment.capturable_minor:
        raise CaptureTooLarge
    attempt = _operation(payment, AttemptKind.CAPTURE, wanted, attempt_id=attempt_id, now=now)
    return replace(payment, capturing_minor=wanted, due_at=None), attempt


def start_cancel(payment: Payment, *, attempt_id: str, now: datetime) -> tuple[Payment, Attempt]:
    if payment.state not in {State.AUTHORISED, State.REQUIRES_ACTION} or payment.capturing_minor:
        raise PaymentNotCancellable
    return payment, _operation(
        payment, AttemptKind.CANCEL, payment.amount_minor, attempt_id=attempt_id, now=now
    )


def start_refund(
    payment: Payment, amount: Money | None, *, reason: str, attempt_id: str, now: datetime
) -> tuple[Payment, Attempt]:
    """Reserve the amount (None: all that is left)."""
    _same_currency(payment, amount)
    if payment.state not in {State.CAPTURED, State.PARTIALLY_REFUNDED}:
        raise PaymentNotRefundable
    if any(dispute.state is DisputeState.OPEN for dispute in payment.disputes):
        raise PaymentDisputed
    wanted = payment.refundable_minor if amount is None else amount.amount_minor
    if not 0 < wanted <= payment.refundable_minor:
        raise RefundTooLarge
    attempt = _operation(
        payment, AttemptKind.REFUND, wanted, attempt_id=attempt_id, now=now, reason=reason
    )
    refund = Refund(attempt_id, RefundState.PROCESSING, wanted, reason, now)
    reserved = replace(
        payment,
        refunding_minor=payment.refunding_minor + wanted,
        refunds=(*payment.refunds, refund),
    )
    return reserved, attempt


def lower(payment: Payment, amount: Money, *, now: datetime) -> Payment:
    """Let a delayed capture take less."""
    _same_currency(payment, amount)
    if (
        payment.state is not State.AUTHORISED
        or payment.capture is not CaptureMode.DELAYED
        or payment.capturing_minor
        or payment.capture_at is None
        or now >= payment.capture_at
    ):
        raise PaymentNotCapturable
    if amount.amount_minor > payment.capturable_minor:
        raise CaptureTooLarge
    return replace(payment, capturable_minor=amount.amount_minor)


def _operation(
    payment: Payment,
    kind: AttemptKind,
    amount_minor: int,
    *,
    attempt_id: str,
    now: datetime,
    reason: str = "",
) -> Attempt:
    return Attempt(
        merchant_id=payment.merchant_id,
        id=attempt_id,
        payment_id=payment.id,
        kind=kind,
        psp_account_id=payment.psp_account_id,
        amount_minor=amount_minor,
        created_at=now,
        reason=reason,
    )


def _same_currency(payment: Payment, amount: Money | None) -> None:
    if amount is not None and amount.currency != payment.currency:
        raise CurrencyMismatch
