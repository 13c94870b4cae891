"""The effect of a PSP's notice about a dispute. Pure; notices may repeat and arrive in any
order.
"""

from dataclasses import replace

from services.payments.rules.domain import Dispute, Fact, Happened, Payment
from services.payments.rules.states import DISPUTE_INITIAL, DISPUTE_TRANSITIONS, DisputeState


def disputed(payment: Payment, reported: Dispute) -> tuple[Payment, Dispute, tuple[Happened, ...]]:
    """`reported` is the dispute in the notice, with an id in case it is new."""
    known = next((d for d in payment.disputes if d.psp_reference == reported.psp_reference), None)
    if known is None:
        facts = [Fact.DISPUTE_OPENED]
        now_is = reported
        if reported.state is not DISPUTE_INITIAL:
            facts.append(Fact.DISPUTE_CLOSED)
    elif _is_stale(known, reported):
        return payment, known, ()
    else:
        now_is = replace(
            known,
            state=DISPUTE_TRANSITIONS.get((known.state, reported.state), known.state),
            amount_minor=reported.amount_minor,
            reason=reported.reason or known.reason,
            told_at=reported.told_at,
        )
        facts = _changes(known, now_is)
    others = tuple(d for d in payment.disputes if d.id != now_is.id)
    happened = tuple(
        Happened(fact, now_is.amount_minor, now_is.id, previous=known) for fact in facts
    )
    return replace(payment, disputes=(*others, now_is)), now_is, happened


def _is_stale(known: Dispute, reported: Dispute) -> bool:
    """PSPs report whole seconds: within the same second, a closed dispute is newer than an open one."""
    if reported.told_at != known.told_at:
        return reported.told_at < known.told_at
    return reported.state is DisputeState.OPEN and known.state is not DisputeState.OPEN


def _changes(known: Dispute, now_is: Dispute) -> list[Fact]:
    """An appeal reopens a dispute; the PSP may correct its amount at any time."""
    if now_is.state is not known.state and now_is.state is not DisputeState.OPEN:
        return [Fact.DISPUTE_CLOSED]
    same = (now_is.state, now_is.amount_minor) == (known.state, known.amount_minor)
    return [] if same else [Fact.DISPUTE_UPDATED]
