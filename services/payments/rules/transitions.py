"""Moves a payment along the table of its states, with its amounts and events. Pure.

settling.py (outcomes) and external_operations.py (what others do at the PSP) decide what moves it.
"""

from dataclasses import dataclass, replace
from typing import Any

from services.payments.rules import refunding
from services.payments.rules.domain import Attempt, Fact, Happened, Payment
from services.payments.rules.states import FINAL, TRANSITIONS, Event


@dataclass(frozen=True, slots=True)
class Change:
    """What to save and publish. `next_attempt` is written with it and sent afterwards.

    `recheck`: the PSP may hold money that we do not expect; the charge has to be looked up.
    """

    payment: Payment
    attempt: Attempt
    happened: tuple[Happened, ...] = ()
    next_attempt: Attempt | None = None
    changed: bool = True
    recheck: bool = False


def move(
    payment: Payment, attempt: Attempt, event: Event, happened: Happened, **fields: Any
) -> Change:
    """Moves the payment if the table allows it; otherwise only the attempt is settled."""
    state = TRANSITIONS.get((payment.state, event))
    if state is None:
        late = event in {Event.HELD, Event.TAKEN} and payment.state in FINAL
        return Change(payment, attempt, recheck=late)
    moved = refunding.with_refund_totals(replace(payment, state=state, **fields))
    return Change(moved, attempt, (happened,))


def taken(payment: Payment, attempt: Attempt, amount_minor: int) -> Change:
    return move(
        payment,
        attempt,
        Event.TAKEN,
        Happened(Fact.CAPTURED, amount_minor),
        authorised_minor=max(payment.authorised_minor, amount_minor),
        captured_minor=amount_minor,
        capturable_minor=amount_minor,
        capturing_minor=0,
        next_action_url="",
        due_at=None,
    )


def released(payment: Payment, attempt: Attempt) -> Change:
    return move(
        payment,
        attempt,
        Event.RELEASED,
        Happened(Fact.CANCELLED),
        capturable_minor=0,
        capturing_minor=0,
        due_at=None,
        next_action_url="",
    )
