"""What the stripe connector sends, compared with the official API, and what broken answers mean."""

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import stripe
from aiohttp import web

from libs import ids
from services.payments.connectors.base import (
    Asked,
    AttemptKind,
    Exemption,
    InstrumentReady,
    Settlements,
)
from services.payments.connectors.stripe import connector as stripe_connector
from services.payments.connectors.stripe import search
from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.outcomes import Approved, DeclineCode, Declined, NotFound, Unknown
from stack.process import free_ports
from tests.services.payments.connectors.conftest import serve, stripe_credentials
from tests.services.payments.connectors.official import complaints
from tests.services.payments.connectors.orders import (
    RETURN_URL,
    a_charge,
    a_setup,
    an_operation,
    asked,
)
from tests.services.payments.connectors.recordings import recorded
from tests.services.payments.connectors.scripted import Request, Scripted

DOCUMENTED = recorded("stripe_documented")
INTENTS, REFUNDS, SETUPS = DOCUMENTED["intents"], DOCUMENTED["refunds"], DOCUMENTED["setups"]
CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND
INTENT = "/v1/payment_intents"


@pytest.fixture
async def scripted() -> AsyncIterator[Scripted]:
    """Whatever a test asked of it must be valid at Stripe."""
    scripted = Scripted()
    runner, scripted.url = await serve(scripted.app())
    yield scripted
    await runner.cleanup()
    for request in scripted.requests:
        assert complaints(request.method, request.path, request.parameters) == []
        assert request.headers["Stripe-Version"] == stripe_connector.API_VERSION
        assert request.headers["Authorization"] == "Bearer sk_test_12345"


@pytest.fixture
def connector(scripted: Scripted, session: aiohttp.ClientSession) -> StripeConnector:
    return StripeConnector(stripe_credentials(scripted.url), session)


@pytest.fixture
def later(scripted: Scripted, session: aiohttp.ClientSession) -> StripeConnector:
    credentials = stripe_credentials(scripted.url)
    return StripeConnector(credentials, session, lambda: time.time() + 120)


def listed(*objects: dict, path: str = INTENT, has_more: bool = False) -> dict:
    return {"object": "list", "url": path, "has_more": has_more, "data": list(objects)}


def test_the_mappings_were_written_for_this_version_of_the_sdk():
    assert stripe.VERSION.split(".")[0] == "16"
    assert stripe.api_version == stripe_connector.API_VERSION


async def test_a_charge_is_created_and_confirmed_in_one_request(connector, scripted):
    scripted.says("POST", INTENT, INTENTS["captured"])
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


async def test_a_merchant_initiated_hold_is_off_session_on_its_mandate(connector, scripted):
    scripted.says("POST", INTENT, INTENTS["held"])
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


async def test_a_forced_challenge_and_a_mandate_that_is_not_stripes(connector, scripted):
    scripted.says("POST", INTENT, INTENTS["challenged"])
    await connector.authorise(a_charge("pm_1QA", force_challenge=True, mandate_reference="mnd_1"))
    parameters = scripted.requests[0].parameters
    assert parameters["payment_method_options"] == {"card": {"request_three_d_secure": "any"}}
    assert "mandate" not in parameters


@pytest.mark.parametrize(
    ("currency", "ours", "stripes"),
    [("EUR", 5990, "5990"), ("JPY", 6000, "6000"), ("ISK", 6000, "600000"), ("MGA", 6000, "60")],
)
async def test_amounts_are_in_stripes_units(connector, scripted, currency, ours, stripes):
    scripted.says("POST", INTENT, INTENTS["captured"])
    await connector.authorise(a_charge("pm_1QA", amount_minor=ours, currency=currency))
    assert scripted.requests[0].parameters["amount"] == stripes


async def test_an_amount_that_stripe_cannot_express_is_refused_unsent(connector, scripted):
    outcome = await connector.authorise(a_charge("pm_1QA", amount_minor=6001, currency="MGA"))
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.REQUEST_REFUSED
    assert scripted.requests == []


async def test_operations_carry_their_own_keys(connector, scripted):
    scripted.says("POST", f"{INTENT}/pi_3QA/capture", INTENTS["captured_in_part"])
    scripted.says("POST", f"{INTENT}/pi_3QA/cancel", INTENTS["cancelled"])
    scripted.says("POST", "/v1/refunds", REFUNDS["succeeded"])
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
    scripted.says("POST", "/v1/customers", {"id": "cus_R1", "object": "customer"})
    scripted.says("POST", "/v1/payment_methods", {"id": "pm_1QA", "object": "payment_method"})
    scripted.says("POST", "/v1/setup_intents", SETUPS["ready"])
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


async def test_a_customer_that_stripe_refuses_ends_the_setup(connector, scripted):
    error = DOCUMENTED["errors"]["forbidden"]
    scripted.says("POST", "/v1/customers", error["body"], status=error["status"])
    assert isinstance(await connector.set_up_instrument(a_setup("pm_1QA")), Declined)
    assert len(scripted.requests) == 1


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
async def test_a_refusal_is_a_certain_no(connector, scripted, name, code, reference):
    error = DOCUMENTED["errors"][name]
    scripted.says("POST", INTENT, error["body"], status=error["status"])
    outcome = await connector.authorise(a_charge("pm_1QA"))
    assert isinstance(outcome, Declined)
    assert (outcome.code, outcome.psp_reference) == (code, reference)
    assert error["body"]["error"]["message"] != outcome.message
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("name", ["key_reused", "key_at_work", "broken"])
async def test_an_answer_that_says_nothing_is_unknown(connector, scripted, name):
    error = DOCUMENTED["errors"][name]
    scripted.says("POST", INTENT, error["body"], status=error["status"])
    assert isinstance(await connector.authorise(a_charge("pm_1QA")), Unknown)
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("fault", ["drop", "half", "hang"])
async def test_no_answer_is_unknown_and_not_repeated(session, scripted, fault):
    credentials, timeout = stripe_credentials(scripted.url), aiohttp.ClientTimeout(total=0.3)
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


async def test_a_refused_connection_is_a_certain_no_but_no_answer_to_a_question(session):
    nobody = StripeConnector(stripe_credentials(f"http://127.0.0.1:{free_ports(1)[0]}"), session)
    charge = a_charge("pm_1QA")
    outcome = await nobody.authorise(charge)
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.PSP_UNAVAILABLE
    assert isinstance(await nobody.look_up(asked(charge, "pi_3QA")), Unknown)
    assert isinstance(await nobody.settlements(""), Unknown)
    assert await nobody.remove_instrument("pm_1QA") is False


async def test_what_is_cancelled_already_is_cancelled(connector, scripted):
    error = DOCUMENTED["errors"]["cancelled_already"]
    scripted.says("POST", f"{INTENT}/pi_3QA/cancel", error["body"], status=error["status"])
    outcome = await connector.cancel(an_operation(CANCEL, "pi_3QA"))
    assert outcome == Approved("pi_3QA", 5990)


def pages(*pages: dict):
    """Answers a list page by page; the cursor is the last id of the page before."""

    def answer(request: Request) -> web.Response:
        after = request.parameters.get("starting_after")
        number = next((n + 1 for n, page in enumerate(pages) if page["data"][-1]["id"] == after), 0)
        return web.json_response(pages[number])

    return answer


async def test_an_attempt_without_a_reference_is_searched_in_its_time(connector, scripted):
    charge = a_charge("pm_1QA")
    others = [{**INTENTS["held"], "id": f"pi_{n}", "metadata": {}} for n in range(3)]
    ours = {**INTENTS["captured"], "metadata": {"attempt_id": charge.key}}
    scripted.answers["GET", INTENT] = pages(listed(*others, has_more=True), listed(ours))
    question = Asked(charge.key, AttemptKind.AUTHORISE, "", 5990, "EUR", psp_customer="cus_R1")
    assert await connector.look_up(question) == Approved("pi_3QA", 5990, captured=True)
    first, second = scripted.requests
    assert first.parameters["customer"] == "cus_R1"
    since, until = (int(first.parameters["created"][name]) for name in ("gte", "lte"))
    assert since < time.time() < until
    assert second.parameters["starting_after"] == "pi_2"


async def test_what_no_list_shows_is_unknown_as_long_as_it_may_be_at_work(
    connector, later, scripted
):
    scripted.says("GET", INTENT, listed(INTENTS["captured"]))
    charge = a_charge("pm_1QA")
    assert isinstance(await connector.look_up(asked(charge)), Unknown)
    assert isinstance(await later.look_up(asked(charge)), NotFound)


async def test_too_many_candidates_leave_the_question_open(later, scripted):
    count = search.MOST_READ + 1
    others = [{"object": "payment_intent", "id": f"pi_{n}"} for n in range(count)]
    scripted.says("GET", INTENT, listed(*others))
    assert isinstance(await later.look_up(asked(a_charge("pm_1QA"))), Unknown)


@pytest.mark.parametrize(
    ("reference", "path"),
    [("re_3QA", "/v1/refunds/re_3QA"), ("pi_3QA", "/v1/refunds"), ("", "/v1/refunds")],
)
async def test_a_refund_is_found_by_whatever_is_known(connector, scripted, reference, path):
    refund = an_operation(REFUND, "pi_3QA", 1500)
    ours = {**REFUNDS["succeeded"], "metadata": {"attempt_id": refund.key}}
    body = ours if path.endswith("re_3QA") else listed(REFUNDS["failed"], ours, path="/v1/refunds")
    scripted.says("GET", path, body)
    assert await connector.look_up(asked(refund, reference)) == Approved("re_3QA", 1500)


@pytest.mark.parametrize("name", ["wrong_key", "rate_limited", "no_such_method", "broken"])
async def test_a_question_that_is_refused_stays_open(later, scripted, name):
    error = DOCUMENTED["errors"][name]
    scripted.says("GET", f"{INTENT}/pi_3QA", error["body"], status=error["status"])
    assert isinstance(await later.look_up(asked(a_charge("pm_1QA"), "pi_3QA")), Unknown)


async def test_a_key_without_a_time_and_a_capture_without_a_reference_stay_open(later, scripted):
    for question in (
        Asked("old-key", AttemptKind.AUTHORISE, "", 1, "EUR"),
        Asked("old-key", REFUND, "", 1, "EUR"),
        Asked(ids.new("att"), CAPTURE, "", 1, "EUR"),
    ):
        assert isinstance(await later.look_up(question), Unknown)
    assert scripted.requests == []


async def test_settlements_are_read_payout_by_payout_from_the_oldest(connector, scripted):
    def transactions(request: Request) -> web.Response:
        lines = DOCUMENTED["lines"] if request.parameters["payout"] == "po_1QA" else []
        return web.json_response(listed(*lines, path="/v1/balance_transactions"))

    scripted.says("GET", "/v1/payouts", DOCUMENTED["payouts"])
    scripted.answers["GET", "/v1/balance_transactions"] = transactions
    page = await connector.settlements("")
    assert isinstance(page, Settlements)
    assert [line.line_reference for line in page.lines] == ["txn_1", "txn_2", "txn_3", "txn_4"]
    assert page.cursor == "po_2QA"
    assert [r.parameters.get("payout") for r in scripted.requests] == [None, "po_1QA", "po_2QA"]
    scripted.says("GET", "/v1/payouts", listed(path="/v1/payouts"))
    assert await connector.settlements("po_2QA") == Settlements([], "po_2QA")
    assert scripted.requests[-1].parameters["ending_before"] == "po_2QA"


def test_the_time_of_an_id_is_the_time_it_was_made():
    made = search.made_at(ids.new("att"))
    assert made is not None
    assert abs(made - time.time()) < 1
    assert search.made_at("att_1") is None


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
def test_the_check_of_requests_notices_what_stripe_would_refuse(parameters):
    assert complaints("POST", INTENT, parameters)
