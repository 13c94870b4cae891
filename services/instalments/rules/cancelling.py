"""The payment of a plan that is cancelled before anything is paid, and the meaning of its answers.
Pure.
"""

from dataclasses import replace

from libs.payments.answer import Answer, Outcome
from services.instalments.rules.plans import UNSIGNED, Collection, Plan
from services.instalments.rules.states import CollectionState


def intent(plan: Plan, latest: Collection | None) -> Collection | None:
    """The payment of the first part, to be cancelled with its plan. None if no payment is waiting
    for its shopper at a challenge or on a partner's page.
    """
    if plan.state not in UNSIGNED or latest is None:
        return None
    waits = latest.giving_up or latest.next_action_url is not None
    if latest.state is not CollectionState.UNDER_WAY or not waits:
        return None
    return replace(latest, giving_up=True)


def outcome(current: Collection, answer: Answer) -> Outcome:
    """The meaning of an answer. Money that is only authorised can still be released, if that was
    requested.
    """
    released = current.giving_up and answer.held
    return Outcome.WAIT if released else answer.outcome
