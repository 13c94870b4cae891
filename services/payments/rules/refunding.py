"""The effect of refunds on a payment: its amounts and its state follow from them. Pure."""

from dataclasses import replace

from services.payments.rules.domain import Attempt, Fact, Happened, Payment, Refund, RefundState
from services.payments.rules.outcomes import Approved, Declined, Outcome
from services.payments.rules.states import TRANSITIONS, Event


def with_refund_totals(payment: Payment) -> Payment:
    """The refunded amount, the amount reserved for refunds in progress, and the state, derived from
    the captured amount and the refunds.

    A refund made at the PSP may leave less than is reserved: it counts all the same, and the PSP
    will decline ours. A refund reported before its capture counts once the capture is reported.
    """
    refunded = min(_sum(payment, RefundState.SUCCEEDED), payment.captured_minor)
    under_way = min(_sum(payment, RefundState.PROCESSING), payment.captured_minor - refunded)
    if not refunded:
        event = Event.KEPT
    else:
        all_back = refunded == payment.captured_minor
        event = Event.REFUNDED if all_back else Event.REFUNDED_IN_PART
    return replace(
        payment,
        refunded_minor=refunded,
        refunding_minor=under_way,
        state=TRANSITIONS.get((payment.state, event), payment.state),
    )


def _sum(payment: Payment, state: RefundState) -> int:
    return sum(refund.amount_minor for refund in payment.refunds if refund.state is state)


def refund_of(attempt: Attempt) -> Refund:
    """A refund is its attempt, as the shop sees it."""
    return Refund(
        id=attempt.id,
        state=RefundState.PROCESSING,
        amount_minor=attempt.amount_minor,
        reason=attempt.reason,
        created_at=attempt.created_at,
        psp_reference=attempt.psp_reference,
        elsewhere=attempt.elsewhere,
        caller_key=attempt.caller_key,
    )


def with_outcome(
    payment: Payment, attempt: Attempt, outcome: Outcome
) -> tuple[Payment, tuple[Happened, ...]]:
    """Applies what the PSP says about a refund, even if it said otherwise before, or the refund is
    new to us.
    """
    state, fact = _end(outcome)
    now_is = replace(refund_of(attempt), state=state)
    known = {refund.id: refund for refund in payment.refunds}
    after = with_refund_totals(
        replace(payment, refunds=tuple((known | {now_is.id: now_is}).values()))
    )
    if fact is None:
        return after, ()
    before = known.get(now_is.id)
    succeeded = before is not None and before.state is RefundState.SUCCEEDED
    return after, (Happened(fact, attempt.amount_minor, attempt.id, had_succeeded=succeeded),)


def _end(outcome: Outcome) -> tuple[RefundState, Fact | None]:
    match outcome:
        case Approved():
            return RefundState.SUCCEEDED, Fact.REFUNDED
        case Declined():
            return RefundState.FAILED, Fact.REFUND_FAILED
        case _:
            return RefundState.PROCESSING, None
