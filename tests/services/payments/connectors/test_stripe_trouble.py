"""How the stripe connector interprets refusals, silence and nonsense."""

from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.rules.outcomes import Approved, DeclineCode, Declined, Unknown
from services.payments.rules.states import AttemptKind
from stack.process import free_ports
from tests.services.payments.connectors.conftest import stripe_credentials
from tests.services.payments.connectors.orders import (
    a_charge,
    an_operation,
    asked,
)
from tests.services.payments.connectors.recordings import recorded

DOCUMENTED = recorded("stripe_documented")
INTENTS, REFUNDS, SETUPS = DOCUMENTED["intents"], DOCUMENTED["refunds"], DOCUMENTED["setups"]
CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND
INTENT = "/v1/payment_intents"


@pytest.fixture
def connector(stripe_connector: StripeConnector) -> StripeConnector:
    return stripe_connector


@pytest.mark.parametrize(
    ("name", "code", "reference"),
    [
        ("declined", DeclineCode.DO_NOT_HONOR, "pi_3QA"),
        ("stolen", DeclineCode.CARD_BLOCKED, "pi_3QA"),
        ("never_again", DeclineCode.CARD_BLOCKED, ""),
        ("expired", DeclineCode.CARD_EXPIRED, ""),
        ("soft", DeclineCode.AUTHENTICATION_REQUIRED, "pi_3QA"),
        ("no_such_method", DeclineCode.CARD_INVALID, ""),
        ("amount_too_small", DeclineCode.REQUEST_REFUSED, ""),
        ("rate_limited", DeclineCode.PSP_UNAVAILABLE, ""),
        ("wrong_key", DeclineCode.PSP_UNAVAILABLE, ""),
        ("forbidden", DeclineCode.PSP_UNAVAILABLE, ""),
    ],
)
async def test_a_refusal_is_declined_with_our_code(connector, scripted, name, code, reference):
    error = DOCUMENTED["errors"][name]
    scripted.responds("POST", INTENT, error["body"], status=error["status"])
    outcome = await connector.authorise(a_charge("pm_1QA"))
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.psp_reference) == (code, reference)
    assert error["body"]["error"]["message"] != outcome.message
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("name", ["key_reused", "key_at_work", "broken"])
async def test_an_inconclusive_error_is_unknown(connector, scripted, name):
    error = DOCUMENTED["errors"][name]
    scripted.responds("POST", INTENT, error["body"], status=error["status"])
    assert isinstance(await connector.authorise(a_charge("pm_1QA")), Unknown)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("fault", ["drop", "half", "hang"])
async def test_no_answer_is_unknown_and_not_repeated(session, scripted, fault):
    credentials, timeout = stripe_credentials(scripted.url), aiohttp.ClientTimeout(sock_read=1)
    impatient = StripeConnector(credentials, session, timeout=timeout)
    scripted.fails("POST", INTENT, fault)
    assert isinstance(await impatient.authorise(a_charge("pm_1QA")), Unknown)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("body", ["[]", "{}", "nonsense", '{"id": "pi_1", "status": "succeeded"}'])
async def test_an_unreadable_answer_is_unknown(connector, scripted, body):
    scripted.answers["POST", INTENT] = lambda _: web.Response(
        text=body, content_type="application/json"
    )
    assert isinstance(await connector.authorise(a_charge("pm_1QA")), Unknown)


async def test_a_refused_connection_declines_charges_and_leaves_look_ups_unknown(session):
    nobody = StripeConnector(stripe_credentials(f"http://127.0.0.1:{free_ports(1)[0]}"), session)
    charge = a_charge("pm_1QA")
    outcome = await nobody.authorise(charge)
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.PSP_UNAVAILABLE
    assert isinstance(await nobody.look_up(asked(charge, "pi_3QA")), Unknown)
    assert isinstance(
        await nobody.settlements("", since=datetime(2026, 11, 1, tzinfo=UTC)), Unknown
    )
    assert await nobody.remove_instrument("pm_1QA") is False


async def test_cancelling_a_cancelled_intent_succeeds(connector, scripted):
    error = DOCUMENTED["errors"]["cancelled_already"]
    scripted.responds("POST", f"{INTENT}/pi_3QA/cancel", error["body"], status=error["status"])
    outcome = await connector.cancel(an_operation(CANCEL, "pi_3QA"))
    assert outcome == Approved("pi_3QA", 5990)
