"""Stripe's documented objects as outcomes."""

from datetime import date

import pytest
import stripe

from services.payments.connectors.base import (
    InstrumentReady,
)
from services.payments.connectors.stripe import declines, mapping, settlement
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Pending,
    Unknown,
)
from tests.services.payments.connectors.recordings import recorded

DOCUMENTED = recorded("stripe_documented")
INTENTS, REFUNDS = DOCUMENTED["intents"], DOCUMENTED["refunds"]
SETUPS, DISPUTES = DOCUMENTED["setups"], DOCUMENTED["disputes"]
CHARGES = DOCUMENTED["charges"]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("captured", Approved("pi_3QA", 5990, captured=True)),
        ("captured_in_part", Approved("pi_3QA", 4000, captured=True)),
        ("held", Approved("pi_3QA", 5990, captured=False)),
        ("challenged", ActionRequired("pi_3QA", "https://hooks.stripe.com/3d_secure_2/hosted?x=1")),
        ("processing", Pending("pi_3QA")),
        ("yen", Approved("pi_3QA", 6000, captured=True)),
        ("krona", Approved("pi_3QA", 6000, captured=True)),
    ],
)
def test_payment_intents_map_to_their_outcomes(name, outcome):
    assert mapping.authorisation(INTENTS[name]) == outcome


@pytest.mark.parametrize(
    ("name", "code", "psp_code"),
    [
        ("declined", DeclineCode.INSUFFICIENT_FUNDS, "insufficient_funds"),
        (
            "not_authenticated",
            DeclineCode.AUTHENTICATION_FAILED,
            "payment_intent_authentication_failure",
        ),
        ("cancelled", DeclineCode.REQUEST_REFUSED, "canceled"),
        ("voucher", DeclineCode.AUTHENTICATION_REQUIRED, "multibanco_display_details"),
    ],
)
def test_payment_intents_that_took_no_money_map_to_declines(name, code, psp_code):
    outcome = mapping.authorisation(INTENTS[name])
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.psp_code, outcome.psp_reference) == (code, psp_code, "pi_3QA")


def test_an_unconfirmed_payment_intent_is_unknown():
    assert isinstance(mapping.authorisation(INTENTS["unconfirmed"]), Unknown)


def test_captures_and_cancellations_map_to_their_outcomes():
    assert mapping.capture(INTENTS["captured_in_part"]) == Approved("pi_3QA", 4000)
    assert isinstance(mapping.capture(INTENTS["held"]), NotFound)
    assert isinstance(mapping.capture(INTENTS["processing"]), Pending)
    assert isinstance(mapping.capture(INTENTS["cancelled"]), Declined)
    assert mapping.cancellation(INTENTS["cancelled"], 5990) == Approved("pi_3QA", 5990)
    assert isinstance(mapping.cancellation(INTENTS["captured"], 5990), Declined)
    assert isinstance(mapping.cancellation(INTENTS["challenged"], 5990), NotFound)
    assert isinstance(mapping.settled(mapping.capture(INTENTS["held"])), Unknown)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("succeeded", Approved),
        ("pending", Pending),
        ("waiting", Pending),
        ("failed", Declined),
        ("canceled", Declined),
    ],
)
def test_refunds_map_to_their_outcomes(name, kind):
    outcome = mapping.refund(REFUNDS[name])
    assert isinstance(outcome, kind)
    assert outcome.psp_reference == "re_3QA"


def test_a_refund_in_an_unrecognised_state_is_unknown():
    assert isinstance(mapping.refund({**REFUNDS["pending"], "status": "new"}), Unknown)


@pytest.mark.parametrize(
    ("decline_code", "code"),
    [
        ("generic_decline", DeclineCode.DO_NOT_HONOR),
        ("do_not_honor", DeclineCode.DO_NOT_HONOR),
        ("a_code_of_next_year", DeclineCode.DO_NOT_HONOR),
        ("insufficient_funds", DeclineCode.INSUFFICIENT_FUNDS),
        ("lost_card", DeclineCode.CARD_BLOCKED),
        ("stolen_card", DeclineCode.CARD_BLOCKED),
        ("pickup_card", DeclineCode.CARD_BLOCKED),
        ("expired_card", DeclineCode.CARD_EXPIRED),
        ("incorrect_cvc", DeclineCode.CARD_INVALID),
        ("authentication_required", DeclineCode.AUTHENTICATION_REQUIRED),
        ("fraudulent", DeclineCode.FRAUD_SUSPECTED),
        ("merchant_blacklist", DeclineCode.FRAUD_SUSPECTED),
    ],
)
def test_stripes_decline_codes_map_to_ours(decline_code, code):
    error = {"code": "card_declined", "decline_code": decline_code}
    assert declines.from_error(error).code is code


def test_the_error_code_is_mapped_when_there_is_no_decline_code():
    assert declines.from_error({"code": "expired_card"}).code is DeclineCode.CARD_EXPIRED
    assert declines.from_error({}).code is DeclineCode.DO_NOT_HONOR


def test_a_do_not_try_again_advice_maps_to_a_blocked_card():
    error = {"decline_code": "do_not_honor", "advice_code": "do_not_try_again"}
    assert declines.from_error(error).code is DeclineCode.CARD_BLOCKED


def test_stripes_message_is_not_passed_on():
    decline = declines.from_error(
        {"code": "card_declined", "message": "Giulia's card was declined"}
    )
    assert "Giulia" not in decline.message


def test_saved_cards_and_other_methods_map_to_instruments():
    ready = mapping.instrument(SETUPS["ready"], "cus_R1")
    assert ready == InstrumentReady(
        token="pm_1QA",
        psp_customer="cus_R1",
        brand="visa",
        last4="4242",
        exp_month=12,
        exp_year=2034,
        country="IT",
        fingerprint="Xt5EWLLDS7FJjR1c",
    )
    sepa = mapping.instrument(SETUPS["sepa"], "cus_R1")
    assert isinstance(sepa, InstrumentReady)
    assert (sepa.brand, sepa.last4, sepa.exp_year) == ("sepa_debit", "3456", 0)
    paypal = mapping.instrument(SETUPS["paypal"], "cus_R1")
    assert isinstance(paypal, InstrumentReady)
    assert (paypal.brand, paypal.last4) == ("paypal", "")
    challenged = mapping.instrument(SETUPS["challenged"], "cus_R1")
    assert isinstance(challenged, InstrumentReady)
    assert challenged.next_action_url.startswith("https://hooks.stripe.com/")


def test_failed_setups_map_to_declines_and_unfinished_ones_to_unknown():
    declined = mapping.instrument(SETUPS["declined"], "cus_R1")
    assert isinstance(declined, Declined)
    assert declined.code is DeclineCode.CARD_BLOCKED
    assert isinstance(mapping.instrument(SETUPS["canceled"], "cus_R1"), Declined)
    assert isinstance(mapping.instrument(SETUPS["processing"], "cus_R1"), Unknown)
    no_page = {**SETUPS["challenged"], "next_action": {"type": "verify_with_microdeposits"}}
    left = mapping.instrument(no_page, "cus_R1")
    assert isinstance(left, Declined)
    assert left.code is DeclineCode.AUTHENTICATION_REQUIRED


def test_settlement_lines_add_up_without_the_payout_itself():
    payout = DOCUMENTED["payouts"]["data"][1]
    lines = list(settlement.lines(payout, DOCUMENTED["lines"]))
    assert [(line.kind, line.psp_reference) for line in lines] == [
        ("charge", "pi_3QA"),
        ("refund", "pi_3QA"),
        ("dispute", "pi_3QA"),
        ("fee", ""),
    ]
    assert all(line.gross_minor - line.fee_minor == line.net_minor for line in lines)
    assert {line.payout_reference for line in lines} == {"po_1QA"}
    assert {line.currency for line in lines} == {"EUR"}
    assert {line.payout_on for line in lines} == {date(2026, 11, 25)}
    assert {line.happened_on for line in lines} == {date(2026, 11, 21)}
    charge, refund, dispute, fee = lines
    assert (charge.order_reference, charge.payment_id) == ("A-1", "pay_1")
    operations = [each.operation_reference for each in (charge, refund, dispute, fee)]
    assert operations == ["ch_3QA", "re_3QA", "du_1QA", ""]


@pytest.mark.parametrize("cursor", ["", "po_1", "po_1/txn_9"])
def test_a_settlement_cursor_survives_a_round_trip(cursor: str):
    assert settlement.Place.read(cursor).cursor == cursor


@pytest.mark.parametrize(
    ("objects", "kind"),
    [
        (list(INTENTS.values()), stripe.PaymentIntent),
        (list(REFUNDS.values()), stripe.Refund),
        (list(SETUPS.values()), stripe.SetupIntent),
        (list(DISPUTES.values()), stripe.Dispute),
        (list(CHARGES.values()), stripe.Charge),
        (DOCUMENTED["lines"], stripe.BalanceTransaction),
        ([SETUPS[name]["payment_method"] for name in ("ready", "sepa")], stripe.PaymentMethod),
    ],
)
def test_the_documented_objects_have_only_fields_that_the_sdk_knows(objects, kind):
    known = set().union(*(getattr(base, "__annotations__", {}) for base in kind.__mro__))
    assert set().union(*objects) - known == set()
