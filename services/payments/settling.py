"""What an outcome does to an attempt and its payment. Pure; the same rules for a synchronous
answer, a look-up and a webhook, in whatever order they come.

An outcome that the tables do not allow any more (a repeat, a late or overtaken one) changes nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never

from services.payments import domain, retry, starting, tokens
from services.payments.domain import Attempt, Fact, Happened, Payment, RefundState
from services.payments.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.states import (
    ATTEMPT_FINAL,
    ATTEMPT_TRANSITIONS,
    TRANSITIONS,
    Answer,
    AttemptKind,
    AttemptState,
    CaptureMode,
    Event,
    Initiator,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What to save and to tell. `next_attempt` is to be written with it and sent after it."""

    payment: Payment
    attempt: Attempt
    happened: tuple[Happened, ...] = ()
    next_attempt: Attempt | None = None
    changed: bool = True


def settle(
    payment: Payment,
    attempt: Attempt,
    outcome: Outcome,
    *,
    now: datetime,
    next_attempt_id: str,
    may_go_on: bool = True,
) -> Change:
    """Apply an outcome.

    `may_go_on`: whether the caller sends a next attempt after a no that allows one. A webhook does
    not: it leaves such a no to the call under way, or to recovery.
    """
    if isinstance(outcome, ActionRequired) and attempt.kind is not AttemptKind.AUTHORISE:
        outcome = Unknown("only an authorisation can ask for a challenge")
    state = ATTEMPT_TRANSITIONS.get((attempt.state, answer_of(outcome)))
    if state is None:
        return _after_the_end(payment, attempt, outcome)
    settled = replace(
        attempt,
        state=state,
        psp_reference=_reference(outcome) or attempt.psp_reference,
        decline=outcome if isinstance(outcome, Declined) else None,
        settled_at=now if state in ATTEMPT_FINAL else None,
    )
    match attempt.kind:
        case AttemptKind.AUTHORISE:
            if isinstance(outcome, Declined):
                following = _next_try(payment, attempt, outcome, now, next_attempt_id)
                if following is not None:
                    if not may_go_on:
                        return Change(payment, attempt, changed=False)
                    return Change(following[0], settled, next_attempt=following[1])
            reference = settled.psp_reference or payment.psp_reference
            return _authorise(replace(payment, psp_reference=reference), settled, outcome, now)
        case AttemptKind.CAPTURE:
            return _capture(payment, settled, outcome, now)
        case AttemptKind.CANCEL:
            return _cancel(payment, settled, outcome)
        case AttemptKind.REFUND:
            return _refund(payment, settled, outcome)
        case _:
            assert_never(attempt.kind)


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


def _told(told_minor: int, *, at_most: int) -> int:
    """The PSP's amount within what is possible; all of it when the PSP does not say."""
    return min(told_minor, at_most) if told_minor > 0 else at_most


def _next_try(
    payment: Payment, attempt: Attempt, no: Declined, now: datetime, next_attempt_id: str
) -> tuple[Payment, Attempt] | None:
    """After a certain no: the same account with a challenge, or the next account. Or nothing."""
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
            return _move(payment, attempt, Event.REFUSED, happened, decline=outcome, **ended)
        case ActionRequired():
            return _move(
                payment,
                attempt,
                Event.CHALLENGED,
                Happened(Fact.ACTION_REQUIRED),
                next_action_url=outcome.url,
                challenged_at=now,
                due_at=now + domain.CHALLENGE_FOR,
            )
        case Pending():
            return _move(payment, attempt, Event.ACCEPTED, Happened(Fact.PENDING), **ended)
        case Unknown():
            return Change(payment, attempt)
        case _:
            assert_never(outcome)


def _authorise_approved(
    payment: Payment, attempt: Attempt, outcome: Approved, now: datetime
) -> Change:
    held = _told(outcome.amount_minor, at_most=payment.amount_minor)
    return _move(
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


def _move(
    payment: Payment, attempt: Attempt, event: Event, happened: Happened, **fields: Any
) -> Change:
    """Where the table allows it; else only the attempt is settled."""
    state = TRANSITIONS.get((payment.state, event))
    if state is None:
        return Change(payment, attempt)
    return Change(replace(payment, state=state, **fields), attempt, (happened,))


def _capture_due(payment: Payment, now: datetime) -> datetime | None:
    """A PSP that only held what was to be taken at once is asked to capture right away."""
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
    free = replace(payment, capturing_minor=0)
    if isinstance(outcome, Approved):
        return _taken(free, attempt, _told(outcome.amount_minor, at_most=attempt.amount_minor))
    if isinstance(outcome, Declined):
        free = replace(free, due_at=_capture_again(payment, now))
        return Change(free, attempt, (Happened(Fact.CAPTURE_FAILED, attempt.amount_minor),))
    return Change(payment, attempt)


def _taken(payment: Payment, attempt: Attempt, amount_minor: int) -> Change:
    return _move(
        payment,
        attempt,
        Event.TAKEN,
        Happened(Fact.CAPTURED, amount_minor),
        captured_minor=amount_minor,
        capturable_minor=amount_minor,
        due_at=None,
    )


def _capture_again(payment: Payment, now: datetime) -> datetime | None:
    """A delayed capture that was refused is tried again for a day."""
    if payment.capture is CaptureMode.MANUAL:
        return None
    since = payment.capture_at or payment.created_at
    return now + domain.CAPTURE_AGAIN_IN if now < since + domain.CAPTURE_TRIED_FOR else None


def _cancel(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    if isinstance(outcome, Approved):
        return _released(payment, attempt)
    return Change(payment, attempt)


def _released(payment: Payment, attempt: Attempt) -> Change:
    return _move(
        payment,
        attempt,
        Event.RELEASED,
        Happened(Fact.CANCELLED),
        capturable_minor=0,
        capturing_minor=0,
        due_at=None,
        next_action_url="",
    )


def _refund(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    match outcome:
        case Approved():
            state, fact = RefundState.SUCCEEDED, Fact.REFUNDED
            refunded = payment.refunded_minor + attempt.amount_minor
        case Declined():
            state, fact = RefundState.FAILED, Fact.REFUND_FAILED
            refunded = payment.refunded_minor
        case _:
            return Change(payment, attempt)
    free = replace(
        payment,
        refunding_minor=payment.refunding_minor - attempt.amount_minor,
        refunded_minor=refunded,
        refunds=tuple(
            replace(refund, state=state) if refund.id == attempt.id else refund
            for refund in payment.refunds
        ),
    )
    if state is RefundState.SUCCEEDED:
        all_back = refunded == payment.captured_minor
        event = Event.GIVEN_BACK if all_back else Event.GIVEN_BACK_IN_PART
        free = replace(free, state=TRANSITIONS.get((free.state, event), free.state))
    return Change(free, attempt, (Happened(fact, attempt.amount_minor, attempt.id),))


def _after_the_end(payment: Payment, attempt: Attempt, outcome: Outcome) -> Change:
    """News of a settled attempt. Only one thing may be new: the PSP took what it held."""
    held = attempt.kind is AttemptKind.AUTHORISE and attempt.state is AttemptState.APPROVED
    if held and isinstance(outcome, Approved) and outcome.captured:
        return taken_elsewhere(payment, attempt, outcome)
    return Change(payment, attempt, changed=False)


def taken_elsewhere(payment: Payment, attempt: Attempt, outcome: Approved) -> Change:
    """A capture that is not ours, e.g. made in the PSP's own console. Ours has its own outcome."""
    if payment.capturing_minor or TRANSITIONS.get((payment.state, Event.TAKEN)) is None:
        return Change(payment, attempt, changed=False)
    return _taken(payment, attempt, _told(outcome.amount_minor, at_most=payment.authorised_minor))


def released_elsewhere(payment: Payment, attempt: Attempt) -> Change:
    """A cancellation that is not ours, or an authorisation that expired at the PSP."""
    if payment.capturing_minor or TRANSITIONS.get((payment.state, Event.RELEASED)) is None:
        return Change(payment, attempt, changed=False)
    return _released(payment, attempt)
