"""The state machine under any sequence of outcomes, and the amounts that must always hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs import deadlines
from libs.errors import Refusal
from services.payments.rules import external_operations, retry, settling, starting
from services.payments.rules.domain import Attempt, Candidate, Fact, Payment
from services.payments.rules.external_operations import ExternalOperation
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.retry import Advice, WhenUnknown
from services.payments.rules.states import (
    ATTEMPT_SETTLED,
    FINAL,
    INITIAL,
    AttemptKind,
    AttemptState,
    CaptureMode,
    Initiator,
    State,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def payment(**changes) -> Payment:
    made = Payment(
        merchant_id="mer_1",
        id="pay_1",
        state=INITIAL,
        amount_minor=5990,
        currency="EUR",
        capture=CaptureMode.MANUAL,
        order_reference="A-1",
        method="one_click",
        initiator=Initiator.CUSTOMER,
        candidates=(Candidate("psa_a", "a", "p", "tok"), Candidate("psa_b", "b", "p", "tok")),
        created_at=NOW,
        capturable_minor=5990,
    )
    return replace(made, **changes)


def begun(**changes) -> tuple[Payment, Attempt]:
    made = payment(**changes)
    return starting.authorisation(made, made.candidates[0], attempt_id="att_1", now=NOW)


def settle(before: tuple[Payment, Attempt], outcome: Outcome) -> settling.Change:
    return settling.settle(*before, outcome, now=NOW, next_attempt_id="att_n")


amounts = st.integers(min_value=0, max_value=9000)
outcomes = st.one_of(
    st.builds(Approved, st.just("ref"), amounts, st.booleans()),
    st.builds(
        Declined,
        st.sampled_from(DeclineCode),
        st.just("no"),
        st.just(""),
        st.sampled_from(["", "ref"]),
    ),
    st.builds(ActionRequired, st.just("ref"), st.just("https://x.test")),
    st.builds(Pending, st.just("ref")),
    st.builds(Unknown, st.just("why")),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["settle", "capture", "cancel", "refund", "late", "elsewhere", "reverse"]),
        st.integers(min_value=1, max_value=7000),
        outcomes,
    ),
    max_size=30,
)


def assert_sound(now_is: Payment) -> None:
    assert 0 <= now_is.authorised_minor <= now_is.amount_minor
    assert min(now_is.captured_minor, now_is.capturing_minor) >= 0
    assert now_is.captured_minor + now_is.capturing_minor <= now_is.authorised_minor
    assert min(now_is.refunded_minor, now_is.refunding_minor) >= 0
    assert now_is.refunded_minor + now_is.refunding_minor <= now_is.captured_minor
    assert (now_is.state is State.REFUNDED) == (0 < now_is.captured_minor == now_is.refunded_minor)


def made_elsewhere(
    now_is: Payment, charge: Attempt, minor: int, name: str
) -> tuple[Payment, Attempt]:
    kind = (AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND)[minor % 3]
    foreign = ExternalOperation(kind, "ref", "ch", minor, Approved("ref", minor))
    change = external_operations.recorded(now_is, charge, foreign, attempt_id=name, now=NOW)
    return change.payment, change.attempt


@given(steps)
def test_no_sequence_of_calls_and_outcomes_breaks_the_amounts_or_leaves_a_final_state(script):
    now_is, attempt = begun()
    attempts = {attempt.id: attempt}
    for number, (step, minor, outcome) in enumerate(script):
        name, before = f"att_{number + 2}", now_is.state
        money = now_is.money(minor)
        try:
            if step == "capture":
                now_is, attempt = starting.start_capture(now_is, money, attempt_id=name, now=NOW)
            elif step == "cancel":
                now_is, attempt = starting.start_cancel(now_is, attempt_id=name, now=NOW)
            elif step == "refund":
                now_is, attempt = starting.start_refund(
                    now_is, money, reason="", attempt_id=name, now=NOW
                )
            elif step == "late":
                attempt = attempts[min(attempts)]
            elif step == "elsewhere":
                now_is, attempt = made_elsewhere(now_is, attempts["att_1"], minor, name)
            elif step == "reverse":
                attempt = attempts[max(attempts)]
            attempts[attempt.id] = attempt
        except Refusal:
            continue
        assert_sound(now_is)
        change = settling.settle(now_is, attempt, outcome, now=NOW, next_attempt_id=f"{name}n")
        now_is, attempts[attempt.id] = change.payment, change.attempt
        attempt = change.next_attempt or change.attempt
        attempts[attempt.id] = attempt
        assert_sound(now_is)
        if before in FINAL:
            assert now_is.state is before
            assert {each.fact for each in change.happened} <= {Fact.REFUNDED, Fact.REFUND_FAILED}


@given(outcomes, outcomes)
def test_a_settled_attempt_stays_as_it_is(first, second):
    change = settle(begun(), first)
    if change.attempt.state in ATTEMPT_SETTLED:
        again = settle((change.payment, change.attempt), second)
        assert again.attempt == change.attempt
        assert again.next_attempt is None
        assert settle((again.payment, again.attempt), second).changed is False


@given(outcomes)
def test_the_same_outcome_twice_changes_nothing(outcome):
    change = settle(begun(), outcome)
    again = settle((change.payment, change.attempt), outcome)
    assert again.payment == change.payment
    assert not again.happened


@given(st.lists(st.sampled_from(DeclineCode), max_size=6))
def test_declines_end_and_each_account_is_tried_at_most_twice(codes):
    made, attempt = begun()
    seen: list[tuple[str, bool]] = []
    following: Attempt | None = attempt
    for code in [*codes, *[DeclineCode.DO_NOT_HONOR] * 5]:
        if following is None:
            break
        seen.append((following.psp_account_id, following.force_challenge))
        change = settle((made, following), Declined(code, "no"))
        made, following = change.payment, change.next_attempt
    assert following is None
    assert made.state is State.DECLINED
    assert len(seen) == len(set(seen))


def test_an_unknown_outcome_keeps_the_payment_processing_without_fail_over():
    change = settle(begun(), Unknown("lost"))
    assert (change.payment.state, change.attempt.state) == (
        State.PROCESSING,
        AttemptState.UNKNOWN,
    )
    assert change.next_attempt is None


def test_an_old_payment_does_not_fail_over():
    made, attempt = begun(created_at=NOW - timedelta(minutes=16))
    change = settle((made, attempt), Declined(DeclineCode.DO_NOT_HONOR, "no"))
    assert (change.payment.state, change.next_attempt) == (State.DECLINED, None)


def test_a_partial_authorisation_lowers_the_capturable_amount():
    change = settle(begun(), Approved("ref", 5000))
    assert (change.payment.authorised_minor, change.payment.capturable_minor) == (5000, 5000)


def test_a_challenge_for_a_capture_counts_as_unknown():
    held = settle(begun(), Approved("ref", 5990)).payment
    started = starting.start_capture(held, None, attempt_id="att_2", now=NOW)
    change = settle(started, ActionRequired("ref", "https://x.test"))
    assert change.attempt.state is AttemptState.UNKNOWN


# Retry


def test_every_decline_code_has_its_advice():
    assert set(retry.ADVICE) == set(DeclineCode)
    assert set(retry.ADVICE.values()) == set(Advice)


@pytest.mark.parametrize(
    ("code", "may"),
    [
        (DeclineCode.DO_NOT_HONOR, True),
        (DeclineCode.PSP_UNAVAILABLE, True),
        (DeclineCode.INSUFFICIENT_FUNDS, False),
        (DeclineCode.CARD_BLOCKED, False),
        (DeclineCode.FRAUD_SUSPECTED, False),
    ],
)
def test_only_declines_another_psp_might_approve_fail_over(code, may):
    assert retry.may_fail_over(code) is may


def test_the_backoff_goes_from_five_seconds_to_an_hour():
    pauses = [retry.pause(tries).total_seconds() for tries in range(12)]
    assert pauses[:4] == [5, 5, 10, 20]
    assert pauses[-1] == retry.pause(10_000).total_seconds() == 3600
    assert pauses == sorted(pauses)


def test_recovery_waits_and_leases_outlast_any_psp_call():
    assert retry.CALL_FOR.total_seconds() >= deadlines.PSP + 2
    assert retry.LEASE.total_seconds() > 2 * (deadlines.PSP + 1)


@pytest.mark.parametrize(
    ("kind", "state", "minutes", "then"),
    [
        (AttemptKind.AUTHORISE, AttemptState.STARTED, 1, WhenUnknown.REPEAT),
        (AttemptKind.AUTHORISE, AttemptState.UNKNOWN, 16, WhenUnknown.GIVE_UP),
        (AttemptKind.AUTHORISE, AttemptState.PENDING, 1, WhenUnknown.WAIT),
        (AttemptKind.REFUND, AttemptState.UNKNOWN, 16, WhenUnknown.REPEAT),
        (AttemptKind.CAPTURE, AttemptState.STARTED, 60 * 24, WhenUnknown.WAIT),
    ],
)
def test_an_attempt_unknown_to_the_psp_is_repeated_given_up_or_awaited(kind, state, minutes, then):
    assert retry.when_not_found(kind, state, timedelta(minutes=minutes)) is then
