"""What a PSP's notice about a dispute does. Pure; notices may repeat and come in any order."""

from dataclasses import replace

from services.payments.domain import Dispute, Fact, Happened, Payment
from services.payments.states import DISPUTE_TRANSITIONS, DisputeState


def disputed(
    payment: Payment, dispute: Dispute, told: DisputeState
) -> tuple[Payment, Dispute, tuple[Happened, ...]]:
    """`dispute` as it is known, or fresh in its initial state; `told` is the PSP's notice."""
    known = next((d for d in payment.disputes if d.id == dispute.id), None)
    opened = (Happened(Fact.DISPUTE_OPENED, dispute.amount_minor, dispute.id),) if not known else ()
    state = DISPUTE_TRANSITIONS.get((dispute.state, told))
    now_is = replace(dispute, state=state) if state else dispute
    closed = (Happened(Fact.DISPUTE_CLOSED, dispute.amount_minor, dispute.id),) if state else ()
    others = tuple(d for d in payment.disputes if d.id != dispute.id)
    return replace(payment, disputes=(*others, now_is)), now_is, (*opened, *closed)
