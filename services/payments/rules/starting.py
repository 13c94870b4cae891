"""How a payment's PSP calls begin: what each needs, and what it reserves.

Pure: `now` and ids are arguments. settling.py has the effects of outcomes.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from libs.errors import invalid
from libs.money import Money
from services.payments import errors
from services.payments.rules import refunding
from services.payments.rules.domain import MOST_REFUNDS, Attempt, Candidate, Payment
from services.payments.rules.states import AttemptKind, CaptureMode, DisputeState, Exemption, State


def capture_at(mode: CaptureMode, now: datetime, delay: timedelta) -> datetime | None:
    """When a delayed capture happens. Raises InvalidArgument."""
    if mode is not CaptureMode.DELAYED:
        return None
    if not delay:
        raise invalid("capture_delay_seconds", "must be at least 1 for a delayed capture")
    return now + delay


def authorisation(
    payment: Payment,
    candidate: Candidate,
    *,
    attempt_id: str,
    now: datetime,
    force_challenge: bool = False,
) -> tuple[Payment, Attempt]:
    """The next attempt to take the money, through `candidate`."""
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
    """Reserves the amount (None: everything capturable). A partial capture is final."""
    _same_currency(payment, amount)
    if payment.state is not State.AUTHORISED or payment.capturing_minor:
        raise errors.PaymentNotCapturable
    wanted = payment.capturable_minor if amount is None else amount.amount_minor
    if wanted > payment.capturable_minor:
        raise errors.CaptureTooLarge
    attempt = _operation(payment, AttemptKind.CAPTURE, wanted, attempt_id=attempt_id, now=now)
    return replace(payment, capturing_minor=wanted, due_at=None), attempt


def start_cancel(payment: Payment, *, attempt_id: str, now: datetime) -> tuple[Payment, Attempt]:
    if payment.state not in {State.AUTHORISED, State.REQUIRES_ACTION} or payment.capturing_minor:
        raise errors.PaymentNotCancellable
    return payment, _operation(
        payment, AttemptKind.CANCEL, payment.amount_minor, attempt_id=attempt_id, now=now
    )


def start_refund(
    payment: Payment,
    amount: Money | None,
    *,
    reason: str,
    attempt_id: str,
    now: datetime,
    caller_key: str = "",
) -> tuple[Payment, Attempt]:
    """Reserves the amount (None: the whole refundable amount)."""
    _same_currency(payment, amount)
    if payment.state not in {State.CAPTURED, State.PARTIALLY_REFUNDED}:
        raise errors.PaymentNotRefundable
    if any(dispute.state is DisputeState.OPEN for dispute in payment.disputes):
        raise errors.PaymentDisputed
    if len(payment.refunds) >= MOST_REFUNDS:
        raise errors.TooManyRefunds
    wanted = payment.refundable_minor if amount is None else amount.amount_minor
    if not 0 < wanted <= payment.refundable_minor:
        raise errors.RefundTooLarge
    attempt = replace(
        _operation(payment, AttemptKind.REFUND, wanted, attempt_id=attempt_id, now=now),
        reason=reason,
        caller_key=caller_key,
    )
    reserved = replace(payment, refunds=(*payment.refunds, refunding.refund_of(attempt)))
    return refunding.with_refund_totals(reserved), attempt


def lower(payment: Payment, amount: Money, *, now: datetime) -> Payment:
    """Lowers a delayed capture."""
    _same_currency(payment, amount)
    if (
        payment.state is not State.AUTHORISED
        or payment.capture is not CaptureMode.DELAYED
        or payment.capturing_minor
        or payment.capture_at is None
        or now >= payment.capture_at
    ):
        raise errors.PaymentNotCapturable
    if amount.amount_minor > payment.capturable_minor:
        raise errors.CaptureTooLarge
    return replace(payment, capturable_minor=amount.amount_minor)


def _operation(
    payment: Payment,
    kind: AttemptKind,
    amount_minor: int,
    *,
    attempt_id: str,
    now: datetime,
) -> Attempt:
    return Attempt(
        merchant_id=payment.merchant_id,
        id=attempt_id,
        payment_id=payment.id,
        kind=kind,
        psp_account_id=payment.psp_account_id,
        amount_minor=amount_minor,
        created_at=now,
    )


def _same_currency(payment: Payment, amount: Money | None) -> None:
    if amount is not None and amount.currency != payment.currency:
        raise errors.CurrencyMismatch
