import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox import errors, psp
from services.sandbox.cards import MAGIC_CARDS
from services.sandbox.psp import Charge, ChargeOrder, Exemption, Sca, State


def order(token: str = "tok_visa", **fields: object) -> ChargeOrder:
    values: dict[str, object] = {
        "amount_minor": 1000, "currency": "EUR", "token": token, "auto_capture": True,
    }  # fmt: skip
    return ChargeOrder(**(values | fields))  # type: ignore[arg-type]  # a builder for tests


def charge(state: State = State.AUTHORISED, **fields: object) -> Charge:
    opened = psp.opened(
        order(auto_capture=False),
        MAGIC_CARDS["tok_visa"],
        psp.Verdict(state),
        charge_id="ch_1",
        account="a",
        key="k",
        challenge=None,
        due_at=None,
        now=0.0,
    )
    return dataclasses.replace(opened, **fields)  # type: ignore[arg-type]  # a builder for tests


@pytest.mark.parametrize(
    ("token", "sca", "mandate", "state", "code"),
    [
        ("tok_visa", Sca(None, challenge_forced=False), None, State.CAPTURED, None),
        ("tok_visa", Sca(None, challenge_forced=True), None, State.REQUIRES_ACTION, None),
        ("tok_visa", Sca(Exemption.MIT, challenge_forced=False), "m", State.CAPTURED, None),
        ("tok_3ds", Sca(None, challenge_forced=False), None, State.REQUIRES_ACTION, None),
        ("tok_3ds", Sca(Exemption.TRA, challenge_forced=False), None, State.REQUIRES_ACTION, None),
        ("tok_3ds", Sca(Exemption.MIT, challenge_forced=False), "m", State.CAPTURED, None),
        (
            "tok_3ds",
            Sca(Exemption.MIT, challenge_forced=False),
            None,
            State.DECLINED,
            "authentication_required",
        ),
        (
            "tok_soft_decline",
            Sca(Exemption.TRA, challenge_forced=False),
            None,
            State.DECLINED,
            "authentication_required",
        ),
        (
            "tok_soft_decline",
            Sca(Exemption.TRA, challenge_forced=True),
            None,
            State.REQUIRES_ACTION,
            None,
        ),
        ("tok_soft_decline", Sca(None, challenge_forced=False), None, State.REQUIRES_ACTION, None),
        ("tok_declined", Sca(None, challenge_forced=False), None, State.DECLINED, "do_not_honor"),
        (
            "tok_insufficient_funds",
            Sca(None, challenge_forced=False),
            None,
            State.DECLINED,
            "insufficient_funds",
        ),
        ("tok_stolen", Sca(None, challenge_forced=True), None, State.DECLINED, "stolen_card"),
        ("tok_pending", Sca(None, challenge_forced=False), None, State.PENDING, None),
    ],
)
def test_a_cards_verdict_depends_on_its_token_and_the_requested_sca(
    token, sca, mandate, state, code
):
    asked = order(token, sca=sca, mandate=mandate)
    verdict = psp.decide(asked, MAGIC_CARDS[token], account="sandbox-b")
    assert verdict == psp.Verdict(state, code)


def test_only_account_a_declines_the_fail_over_card():
    card = MAGIC_CARDS["tok_declined_at_a"]
    for account in ("sandbox-a", "sandbox-a-other"):
        assert psp.decide(order(card.magic), card, account=account).state is State.DECLINED
    assert psp.decide(order(card.magic), card, account="sandbox-b").state is State.CAPTURED


def test_a_partial_capture_is_final_and_releases_the_rest():
    captured = psp.capture(charge(), 400)
    assert (captured.state, captured.captured_minor) == (State.CAPTURED, 400)
    with pytest.raises(errors.NotCapturableError):
        psp.capture(captured, 1)


def test_more_than_was_authorised_cannot_be_captured():
    with pytest.raises(errors.AmountTooLargeError):
        psp.capture(charge(), 1001)


@pytest.mark.parametrize("state", [State.CAPTURED, State.DECLINED, State.CANCELLED])
def test_a_captured_declined_or_cancelled_charge_cannot_be_cancelled(state):
    with pytest.raises(errors.NotCancellableError):
        psp.cancel(charge(state))


def test_an_open_dispute_refuses_a_refund():
    captured = psp.capture(charge(), 1000)
    with pytest.raises(errors.ChargeDisputedError):
        psp.refund(captured, 1, dispute_open=True)


def test_the_amount_lost_in_a_dispute_cannot_be_refunded():
    lost = psp.dispute(psp.capture(charge(), 1000), 700)
    assert psp.refund(lost, 300, dispute_open=False).refunded_minor == 300
    with pytest.raises(errors.AmountTooLargeError):
        psp.refund(lost, 301, dispute_open=False)


@pytest.mark.parametrize("state", [State.AUTHORISED, State.DECLINED])
def test_only_a_captured_charge_is_refunded_or_disputed(state):
    with pytest.raises(errors.NotRefundableError):
        psp.refund(charge(state), 1, dispute_open=False)
    with pytest.raises(errors.NotDisputableError):
        psp.dispute(charge(state), 1)


def test_a_charge_that_is_not_pending_cannot_be_finished():
    with pytest.raises(errors.NotPendingError):
        psp.finish(charge(), approved=True, decline_code="")


@given(st.lists(st.integers(1, 1500), max_size=20))
def test_refunds_never_exceed_what_was_captured(amounts):
    row = psp.capture(charge(), 1000)
    for amount in amounts:
        try:
            row = psp.refund(row, amount, dispute_open=False)
        except errors.AmountTooLargeError:
            assert amount > psp.refundable_minor(row)
    assert 0 <= row.refunded_minor <= row.captured_minor


@pytest.mark.parametrize(("gross", "fee"), [(5990, 109), (1000, 39), (36, 26), (35, 25)])
def test_the_fee_is_rounded_half_up(gross, fee):
    assert psp.fee_minor(gross) == fee
