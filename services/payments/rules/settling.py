"""The effect of an outcome on an attempt and its payment. Pure; the same rules for a synchronous
answer, a look-up and a webhook, in whatever order they arrive.

An outcome that the tables no longer allow (a repeat, a late or overtaken one) changes nothing.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from services.payments.rules import domain, refunding, retry, starting, tokens
from services.payments.rules.domain import Attempt, Fact, Happened, Payment
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.states import (
    ATTEMPT_SETTLED,
    ATTEMPT_TRANSITIONS,
    FINAL,
    TRANSITIONS,
    Answer,
    AttemptKind,
    AttemptState,
    CaptureMode,
    Event,
    Initiator,
    State,
)
from services.payments.rules.transitions import Change, move, released, taken


def settle(
    payment: Payment,
    attempt: Attempt,
    outcome: Outcome,
    *,
    now: datetime,
    next_attempt_id: str | None = None,
) -> Change:
    """Applies an outcome.

    `next_attempt_id`: id of the attempt that the caller sends after a no that allows one. A webhook
    sends none: it leaves such a no to the call in progress, or to recovery.
    """
    if isinstance(outcome, ActionRequired) and attempt.kind is not AttemptKind.AUTHORISE:
        outcome = Unknown("only an authorisation can ask for a challenge")
    state = ATTEMPT_TRANSITIONS.get((attempt.state, _answer(attempt, outcome)))
    if state is None:
        return _after_the_end(payment, attempt, outcome)
    settled = replace(
        attempt,
        state=state,
        psp_reference=_reference(outcome) or attempt.psp_reference,
        decline=outcome if isinstance(outcome, Declined) else None,
        settled_at=now if state in ATTEMPT_SETTLED else None,
    )
    if attempt.kind is not AttemptKind.AUTHORISE:
        return _operated(payment, settled, outcome, now)
    if isinstance(outcome, Declined):
        following = _next_try(payment, attempt, outcome, now, next_attempt_id or "")
        if following is not None:
            if next_attempt_id is None:
                return Change(payment, attempt, changed=False)
            return Change(following[0], settled, next_attempt=following[1])
    reference = settled.psp_reference or payment.psp_reference
    return _authorise(replace(payment, psp_reference=reference), settled, outcome, now)


def _operated(payment: Payment, attempt: Attempt, outcome: Outcome, now: datetime) -> Change:
    if attempt.undoes:
        return _undone(payment, attempt, outcome)
    if attempt.charge_reference:  # made by others, on a charge that is not the payment's
        return Change(payment, attempt, recheck=isinstance(outcome, Declined))
    match attempt.kind:
        case AttemptKind.CAPTURE:
            return _capture(payment, attempt, outcome, now)
        case AttemptKind.CANCEL:
            return _cancel(payment, attempt, outcome)
        case AttemptKind.REFUND:
            return _refund(payment, attempt, outcome)
        case AttemptKind.AUTHORISE:
            return Change(payment, attempt)
        case _:
            assert_never(attempt.kind)


def _answer(attempt: Attempt, outcome: Outcome) -> Answer:
    """The table's word for the outcome. A refund that has ended changes only if the PSP names its
    own reference: a no without one belongs to a call that another call overtook.
    """
    if attempt.kind is AttemptKind.REFUND:
        match attempt.state, outcome:
            case AttemptState.APPROVED, Declined(psp_reference=named) if (
                named and named == attempt.psp_reference
            ):
                return Answer.REVERSED
            case AttemptState.DECLINED, Approved() if not attempt.psp_reference:
                return Answer.MADE_AFTER_ALL
    return answer_of(outcome)


def answer_of(outcome: Outcome) -> Answer:
    match outcome:
        case Approved():
            return Answer.APPROVED
        case Declined():
            return Answer.DECLINED
        case ActionRequired():
            return Answer.ACTION_REQUIRED
        case Pending():
            return Answer.PENDING
        case Unknown():
            return Answer.UNKNOWN
        case _:
            assert_never(outcome)


def _reference(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Unknown) else outcome.psp_reference


def _capped(reported_minor: int, *, at_most: int) -> int:
    """The PSP's amount, but `at_most` this much; all of that if the PSP gives no amount."""
    return min(reported_minor, at_most) if reported_minor > 0 else at_most


def _next_try(
    payment: Payment, attempt: Attempt, no: Declined, now: datetime, next_attempt_id: str
) -> tuple[Payment, Attempt] | None:
    """After a certain no: the same account with a challenge, the next account, or nothing."""
    young = now - payment.created_at <= retry.AUTHORISE_REPEATABLE_FOR
    may = young and not tokens.are_single_use(payment)
    if not may or TRANSITIONS.get((payment.state, Event.TRIED_AGAIN)) is None:
        return None
    accounts = [candidate.psp_account_id for candidate in payment.candidates]
    position = accounts.index(attempt.psp_account_id)
    if no.code is DeclineCode.AUTHENTICATION_REQUIRED:
        if attempt.force_challenge or payment.initiator is Initiator.MERCHANT:
            return None
        same = payment.candidates[position]
        return starting.authorisation(
            payment, same, attempt_id=next_attempt_id, now=now, force_challenge=True
        )
    if not retry.may_fail_over(no.code) or position + 1 == len(accounts):
        return None
    following = payment.candidates[position + 1]
    return starting.authorisation(payment, following, attempt_id=next_attempt_id, now=now)


def _authorise(payment: Payment, attempt: Attempt, outcome: Outcome, now: datetime) -> Change:
    ended = {"due_at": None, "next_action_url": ""}
    match outcome:
        case Approved():
            return _authorise_approved(payment, attempt, outcome, now)
        case Declined():
            happened = Happened(Fact.DECLINED)
            return move(payment, attempt, Event.REFUSED, happened, decline=outcome, **ended)
        case ActionRequired():
            return move(
                payment,
                attempt,
                Event.CHALLENGED,
                Happened(Fact.ACTION_REQUIRED),
                next_action_url=outcome.url,
                challenged_at=now,
                due_at=now + domain.CHALLENGE_FOR,
            )
        case Pending():
            return move(payment, attempt, Event.ACCEPTED, Happened(Fact.PENDING), **ended)
        case Unknown():
            return Change(payment, attempt)
        case _:
            assert_never(outcome)


def _authorise_approved(
    payment: Payment, attempt: Attempt, outcome: Approved, now: datetime
) -> Change:
    held = _capped(outcome.amount_minor, at_most=payment.amount_minor)
    return move(
        payment,
        attempt,
        Event.TAKEN if outcome.captured else Event.HELD,
        Happened(Fact.CAPTURED if outcome.captured else Fact.AUTHORISED, held),
        authorised_minor=held,
        capturable_minor=held,
        captured_minor=held if outcome.captured else 0,
        next_action_url="",
        due_at=None if outcome.captured else _capture_due(payment, now),
    )


def _capture_due(payment: Payment, now: datetime) -> datetime | None:
    """If a PSP only held money that was to be captured at once, the capture is due right away."""
    match payment.capture:
        case CaptureMode.NOW:
            return now
        case CaptureMode.DELAYED:
            return payment.capture_at
        case CaptureMode.MANUAL:
            return None
        case _:
            assert_never(payment.capture)


def _capture(payment: Payment, attempt: Attempt, outcome: Outcome, now: datetime) -> Change:
    """Our capture may end after others captured or released the money: then nothing is published."""
    free = replace(payment, capturing_minor=0)
    if isinstance(outcome, Approved):
        reported_minor = outcome.amount_minor or attempt.amount_minor
        return taken(free, attempt, min(reported_minor, payment.authorised_minor))
    if isinstance(outcome, Declined) and payment.state is State.AUTHORISED:
        free = replace(free, due_at=_capture_again(payment, now))
        return Change(free, attempt, (Happened(Fact.CAPTURE_FAILED, attempt.amount_minor),))
    return Change(payment, attempt)


def _capture_again(payment: Payment, now: datetime) -> datetime | None:
    """A refused delayed capture is retried for a day."""
    if payment.capture is CaptureMode.MANUAL:
        return None
    since = payment.capture_at or payment.created_at
    return now + domain.CAPTURE_AGAIN_IN if now < since + domain.CAPTURE_TRIED_FOR else None


def _cancel(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    return released(payment, attempt) if isinstance(outcome, Approved) else Change(payment, attempt)


def _refund(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    after, happened = refunding.with_outcome(payment, attempt, outcome)
    # Booked before its payment ended without money: as it failed, the PSP may still hold money.
    missing = payment.state in FINAL and isinstance(outcome, Declined)
    return Change(after, attempt, happened, recheck=missing)


def _undone(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    """The money of a late approval was refunded or released: it was never the payment's."""
    match outcome:
        case Approved():
            charge = attempt.charge_reference
            undone = Happened(
                Fact.LATE_APPROVAL_UNDONE, attempt.amount_minor, attempt.id, psp_reference=charge
            )
            return Change(payment, attempt, (undone,))
        case Declined():
            return Change(payment, attempt, recheck=True)
        case _:
            return Change(payment, attempt)


def _after_the_end(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    """Notices about a settled attempt: the PSP captured what it held, or approved after a no."""
    unchanged = Change(payment, attempt, changed=False)
    if attempt.kind is not AttemptKind.AUTHORISE or not isinstance(outcome, Approved):
        return unchanged
    if attempt.state is AttemptState.DECLINED:
        return replace(unchanged, recheck=True)
    if attempt.state is not AttemptState.APPROVED or not outcome.captured:
        return unchanged
    if payment.state in FINAL:
        return replace(unchanged, recheck=True)
    if payment.capturing_minor or TRANSITIONS.get((payment.state, Event.TAKEN)) is None:
        return unchanged  # our own capture has its own outcome
    return taken(payment, attempt, _capped(outcome.amount_minor, at_most=payment.authorised_minor))
