"""The stripe connector's requests, compared with the official API, and what broken answers mean."""

import pytest
import stripe

from services.payments.connectors.base import InstrumentReady
from services.payments.connectors.stripe import connector as stripe_connector
from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.rules.domain import Shopper
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    Unknown,
)
from services.payments.rules.states import AttemptKind, Exemption
from tests.services.payments.connectors.official import complaints
from tests.services.payments.connectors.orders import (
    RETURN_URL,
    a_charge,
    a_setup,
    an_operation,
)
from tests.services.payments.connectors.recordings import recorded

DOCUMENTED = recorded("stripe_documented")
INTENTS, REFUNDS, SETUPS = DOCUMENTED["intents"], DOCUMENTED["refunds"], DOCUMENTED["setups"]
CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND
INTENT = "/v1/payment_intents"


@pytest.fixture
def connector(stripe_connector: StripeConnector) -> StripeConnector:
    return stripe_connector


def test_the_mappings_were_written_for_this_version_of_the_sdk():
    assert stripe.VERSION.split(".")[0] == "16"
    assert stripe.api_version == stripe_connector.API_VERSION


async def test_a_charge_is_created_and_confirmed_in_one_request(connector, scripted):
    scripted.responds("POST", INTENT, INTENTS["captured"])
    charge = a_charge("pm_1QA", psp_customer="cus_R1")
    await connector.authorise(charge)
    (request,) = scripted.requests
    assert request.headers["Idempotency-Key"] == charge.key
    assert request.parameters == {
        "amount": "5990",
        "currency": "eur",
        "payment_method": "pm_1QA",
        "customer": "cus_R1",
        "capture_method": "automatic",
        "confirm": "true",
        "automatic_payment_methods": {"enabled": "true", "allow_redirects": "always"},
        "return_url": RETURN_URL,
        "description": "Scarpe rosse",
        "metadata": {
            "attempt_id": charge.key,
            "payment_id": charge.payment_id,
            "order_reference": "A-1001",
        },
    }


async def test_a_stripe_method_is_created_from_the_shoppers_email_and_country(connector, scripted):
    scripted.responds("POST", INTENT, INTENTS["challenged"])
    shopper = Shopper("giulia@example.com", "IT")
    outcome = await connector.authorise(a_charge("", method="klarna", shopper=shopper))
    (request,) = scripted.requests
    assert request.parameters["payment_method_data"] == {
        "type": "klarna",
        "billing_details": {"email": "giulia@example.com", "address": {"country": "IT"}},
    }
    assert "payment_method" not in request.parameters
    assert request.parameters["automatic_payment_methods"]["allow_redirects"] == "always"
    assert isinstance(outcome, ActionRequired)


async def test_a_legacy_token_becomes_a_payment_method_under_its_own_key(connector, scripted):
    """Both keys contain the attempt's id, so that a retry gets the same method and intent."""
    charge = a_charge("tok_1QA")
    for _ in range(2):
        scripted.responds(
            "POST", "/v1/payment_methods", {"id": "pm_1QA", "object": "payment_method"}
        )
        scripted.responds("POST", INTENT, INTENTS["captured"])
        assert isinstance(await connector.authorise(charge), Approved)
    method, intent, *repeated = scripted.requests
    assert method.parameters == {"type": "card", "card": {"token": "tok_1QA"}}
    assert method.headers["Idempotency-Key"] == f"{charge.key}-method"
    assert intent.parameters["payment_method"] == "pm_1QA"
    assert intent.headers["Idempotency-Key"] == charge.key
    for first, again in zip((method, intent), repeated, strict=True):
        assert again.parameters == first.parameters
        assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]


async def test_a_legacy_token_without_a_payment_method_is_not_charged(connector, scripted):
    refused = {"error": {"type": "card_error", "code": "expired_card", "message": "expired"}}
    scripted.responds("POST", "/v1/payment_methods", refused, status=402)
    outcome = await connector.authorise(a_charge("tok_1QA"))
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.CARD_EXPIRED
    scripted.responds("POST", "/v1/payment_methods", {"error": {"type": "api_error"}}, status=500)
    assert isinstance(await connector.authorise(a_charge("tok_1QB")), Unknown)
    assert [request.path for request in scripted.requests] == ["/v1/payment_methods"] * 2


async def test_a_merchant_initiated_hold_is_off_session_on_its_mandate(connector, scripted):
    scripted.responds("POST", INTENT, INTENTS["held"])
    charge = a_charge(
        "pm_1QA",
        capture=False,
        exemption=Exemption.MIT,
        mandate_reference="mandate_1QA",
        return_url="",
        description="",
    )
    await connector.authorise(charge)
    parameters = scripted.requests[0].parameters
    assert parameters["off_session"] == "true"
    assert parameters["mandate"] == "mandate_1QA"
    assert parameters["capture_method"] == "manual"
    assert parameters["automatic_payment_methods"]["allow_redirects"] == "never"
    assert not {"return_url", "description", "customer"} & parameters.keys()


async def test_a_forced_challenge_requests_3d_secure_and_a_foreign_mandate_is_omitted(
    connector, scripted
):
    scripted.responds("POST", INTENT, INTENTS["challenged"])
    await connector.authorise(a_charge("pm_1QA", force_challenge=True, mandate_reference="mnd_1"))
    parameters = scripted.requests[0].parameters
    assert parameters["payment_method_options"] == {"card": {"request_three_d_secure": "any"}}
    assert "mandate" not in parameters


@pytest.mark.parametrize(
    ("currency", "ours", "stripes"),
    [("EUR", 5990, "5990"), ("JPY", 6000, "6000"), ("ISK", 6000, "600000"), ("MGA", 6000, "60")],
)
async def test_amounts_are_in_stripes_units(connector, scripted, currency, ours, stripes):
    scripted.responds("POST", INTENT, INTENTS["captured"])
    await connector.authorise(a_charge("pm_1QA", amount_minor=ours, currency=currency))
    assert scripted.requests[0].parameters["amount"] == stripes


async def test_an_amount_that_stripe_cannot_express_is_refused_unsent(connector, scripted):
    outcome = await connector.authorise(a_charge("pm_1QA", amount_minor=6001, currency="MGA"))
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.REQUEST_REFUSED
    assert scripted.requests == []


async def test_operations_carry_their_own_keys(connector, scripted):
    scripted.responds("POST", f"{INTENT}/pi_3QA/capture", INTENTS["captured_in_part"])
    scripted.responds("POST", f"{INTENT}/pi_3QA/cancel", INTENTS["cancelled"])
    scripted.responds("POST", "/v1/refunds", REFUNDS["succeeded"])
    capture = an_operation(CAPTURE, "pi_3QA", 4000)
    cancel, refund = an_operation(CANCEL, "pi_3QA"), an_operation(REFUND, "pi_3QA", 1500)
    assert await connector.capture(capture) == Approved("pi_3QA", 4000)
    assert await connector.cancel(cancel) == Approved("pi_3QA", 5990)
    assert await connector.refund(refund) == Approved("re_3QA", 1500)
    keys = [request.headers["Idempotency-Key"] for request in scripted.requests]
    assert keys == [capture.key, cancel.key, refund.key]
    assert [request.parameters for request in scripted.requests] == [
        {"amount_to_capture": "4000"},
        {},
        {"payment_intent": "pi_3QA", "amount": "1500", "metadata": {"attempt_id": refund.key}},
    ]


async def test_saving_a_card_makes_customer_method_and_setup(connector, scripted):
    scripted.responds("POST", "/v1/customers", {"id": "cus_R1", "object": "customer"})
    scripted.responds("POST", "/v1/payment_methods", {"id": "pm_1QA", "object": "payment_method"})
    scripted.responds("POST", "/v1/setup_intents", SETUPS["ready"])
    setup = a_setup("tok_visa")
    assert isinstance(await connector.set_up_instrument(setup), InstrumentReady)
    keys = [request.headers["Idempotency-Key"] for request in scripted.requests]
    assert keys == [f"{setup.key}-customer", f"{setup.key}-method", setup.key]
    assert [request.parameters for request in scripted.requests] == [
        {"email": "giulia@example.com", "metadata": {"customer_id": setup.customer_id}},
        {"type": "card", "card": {"token": "tok_visa"}},
        {
            "customer": "cus_R1",
            "payment_method": "pm_1QA",
            "usage": "off_session",
            "confirm": "true",
            "automatic_payment_methods": {"enabled": "true", "allow_redirects": "always"},
            "return_url": RETURN_URL,
            "metadata": {"customer_id": setup.customer_id},
            "expand": {"0": "payment_method"},
        },
    ]


@pytest.mark.parametrize(
    ("by_now", "comes_to"),
    [
        ("ready", InstrumentReady),
        ("declined", Declined),
        ("challenged", InstrumentReady),
        ("processing", InstrumentReady),
    ],
)
async def test_a_challenged_setup_is_fetched_again_by_its_id(connector, scripted, by_now, comes_to):
    """Stripe replays its first answer under the same key, including the challenge."""
    scripted.responds("POST", "/v1/setup_intents", SETUPS["challenged"])
    scripted.responds("GET", "/v1/setup_intents/seti_1QA", SETUPS[by_now])
    outcome = await connector.set_up_instrument(a_setup("pm_1QA", psp_customer="cus_R1"))
    assert isinstance(outcome, comes_to)
    if isinstance(outcome, InstrumentReady):
        assert bool(outcome.next_action_url) is (by_now != "ready")
    asked = scripted.requests[-1]
    assert (asked.method, asked.parameters) == ("GET", {"expand": {"0": "payment_method"}})
    assert complaints(asked.method, asked.path, asked.parameters) == []


async def test_a_processing_setup_is_fetched_again_too(connector, scripted):
    scripted.responds("POST", "/v1/setup_intents", SETUPS["processing"])
    scripted.responds("GET", "/v1/setup_intents/seti_1QA", SETUPS["ready"])
    setup = a_setup("pm_1QA", psp_customer="cus_R1")
    assert isinstance(await connector.set_up_instrument(setup), InstrumentReady)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_challenge_that_cannot_be_fetched_again_is_kept(connector, scripted, status):
    scripted.responds("POST", "/v1/setup_intents", SETUPS["challenged"])
    scripted.responds("GET", "/v1/setup_intents/seti_1QA", {"error": {"type": "x"}}, status=status)
    outcome = await connector.set_up_instrument(a_setup("pm_1QA", psp_customer="cus_R1"))
    assert isinstance(outcome, InstrumentReady)
    assert outcome.next_action_url


async def test_a_refused_customer_declines_the_setup(connector, scripted):
    error = DOCUMENTED["errors"]["forbidden"]
    scripted.responds("POST", "/v1/customers", error["body"], status=error["status"])
    assert isinstance(await connector.set_up_instrument(a_setup("pm_1QA")), Declined)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"amount": "1", "currency": "eur", "colour": "red"},
        {"amount": "1.5", "currency": "eur"},
        {"amount": "1", "currency": "eur", "confirm": "yes"},
        {"amount": "1", "currency": "eur", "capture_method": "sometimes"},
        {"amount": "1", "currency": "eur", "payment_method_types": {"0": "card"}},
        {"amount": "1", "currency": "eur", "automatic_payment_methods": {"allow_redirects": "no"}},
    ],
)
def test_the_request_check_reports_what_stripe_would_refuse(parameters):
    assert complaints("POST", INTENT, parameters)
