"""How answers of payments are read, and which refusals are certain."""

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from libs.payments.certain import is_certain
from libs.payments.client import answer_of

UNKNOWN = pb.Payment.STATE_UNSPECIFIED


@pytest.mark.parametrize("state", set(pb.Payment.State.values()) - {UNKNOWN})
def test_every_state_of_a_payment_is_an_outcome(state):
    answer = answer_of(pb.Payment(id="pay_1", state=state, caller_key="och_1"))
    assert (answer.id, answer.key) == ("pay_1", "och_1")
    assert answer.settled == (state != pb.Payment.STATE_PROCESSING)
    assert answer.challenged == (state == pb.Payment.STATE_REQUIRES_ACTION)


def test_an_unspecified_state_is_an_unknown_outcome():
    with pytest.raises(OutcomeUnknown):
        answer_of(pb.Payment(state=UNKNOWN))


def test_only_a_challenge_has_a_next_action():
    payment = pb.Payment(state=pb.Payment.STATE_CAPTURED)
    payment.next_action.url = "https://psp.example/challenge"
    assert answer_of(payment).next_action_url is None
    payment.state = pb.Payment.STATE_REQUIRES_ACTION
    assert answer_of(payment).next_action_url == "https://psp.example/challenge"


@pytest.mark.parametrize(
    ("kind", "reason", "certain"),
    [
        (Kind.CONFLICT, "order_already_paid", True),
        (Kind.INVALID, "invalid_argument", True),
        (Kind.CONFLICT, "idempotency_key_in_use", False),
        (Kind.UNPROCESSABLE, "idempotency_key_reused", False),
        (Kind.UNAVAILABLE, "service_unavailable", False),
        (Kind.INTERNAL, "internal_error", False),
        (Kind.RATE, "rate_limited", False),
    ],
)
def test_only_transient_and_idempotency_refusals_leave_the_outcome_uncertain(kind, reason, certain):
    assert is_certain(RemoteRefusal(kind, reason, "no")) is certain
