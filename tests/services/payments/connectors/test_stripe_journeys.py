"""The stripe connector with the real SDK against localstripe, as the stack runs it."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from services.payments.connectors.base import (
    InstrumentReady,
    OperationNotice,
    WebhookSignatureError,
)
from services.payments.connectors.registry import CONNECTORS
from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Unknown,
)
from services.payments.rules.states import AttemptKind, Exemption
from tests.services.payments.connectors.conftest import Hook, stripe_credentials
from tests.services.payments.connectors.official import complaints, decoded
from tests.services.payments.connectors.orders import a_charge, a_setup, an_operation, asked

CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND
KEY = {"Authorization": "Bearer sk_test_12345"}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Checks that each request would be valid at Stripe, also where localstripe does not check."""
    requests: list[Any] = []

    async def note_start(_: Any, request: Any, started: aiohttp.TraceRequestStartParams) -> None:
        request.call, request.text = (started.method, started.url.path), started.url.query_string
        if "Stripe-Version" in started.headers:
            requests.append(request)

    async def note_body(_: Any, request: Any, sent: aiohttp.TraceRequestChunkSentParams) -> None:
        request.text += sent.chunk.decode()

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note_start)
    trace.on_request_chunk_sent.append(note_body)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        yield session
    assert requests
    for request in requests:
        assert complaints(*request.call, decoded(request.text)) == []


@pytest.fixture
def connector(localstripe_url: str, session: aiohttp.ClientSession):
    return CONNECTORS["stripe"](stripe_credentials(localstripe_url), session)


@pytest.fixture
def later(localstripe_url: str, session: aiohttp.ClientSession):
    """The same account, two minutes later: none of our requests is still at work."""
    credentials = stripe_credentials(localstripe_url)
    return StripeConnector(credentials, session, lambda: time.time() + 120)


@pytest.fixture
def payment_method(localstripe_url: str, session: aiohttp.ClientSession):
    """The payment method that the browser's card field creates for a card number."""

    async def create(number: str) -> str:
        card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        data = {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}
        url = f"{localstripe_url}/v1/payment_methods"
        async with session.post(url, data=data, headers=KEY) as answer:
            return str((await answer.json())["id"])

    return create


async def saved(connector, token: str) -> InstrumentReady:
    ready = await connector.set_up_instrument(a_setup(token))
    assert isinstance(ready, InstrumentReady)
    return ready


async def charge_of(connector, token: str = "pm_card_visa", **fields):
    ready = await saved(connector, token)
    return a_charge(ready.token, psp_customer=ready.psp_customer, **fields)


async def decide(session: aiohttp.ClientSession, url: str, decision: str) -> str:
    async with session.post(url, data={"decision": decision}, allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


async def test_saving_cards_creates_one_stripe_customer(connector):
    setup = a_setup("pm_card_visa")
    ready = await connector.set_up_instrument(setup)
    assert ready.psp_customer.startswith("cus_")
    assert ready.token.startswith("pm_")
    assert (ready.brand, ready.last4, ready.exp_year) == ("visa", "4242", 2030)
    assert ready.fingerprint
    assert await connector.set_up_instrument(setup) == ready
    again = a_setup("pm_card_mastercard", psp_customer=ready.psp_customer)
    assert (await connector.set_up_instrument(again)).psp_customer == ready.psp_customer


@pytest.mark.parametrize("number", ["4000000000000002", "4000000000009995"])
async def test_a_card_the_issuer_declines_cannot_be_saved(connector, payment_method, number):
    outcome = await connector.set_up_instrument(a_setup(await payment_method(number)))
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.DO_NOT_HONOR


async def test_a_charge_takes_the_money_and_is_refunded_in_part(connector):
    charge = await charge_of(connector)
    charged = await connector.authorise(charge)
    assert isinstance(charged, Approved)
    assert (charged.amount_minor, charged.captured) == (5990, True)
    refund = an_operation(REFUND, charged.psp_reference, 1500)
    refunded = await connector.refund(refund)
    assert isinstance(refunded, Approved)
    assert refunded.amount_minor == 1500
    assert await connector.look_up(asked(refund, charged.psp_reference)) == refunded
    assert await connector.look_up(asked(refund, own=refunded.psp_reference)) == refunded
    assert await connector.look_up(asked(charge, charged.psp_reference)) == charged


async def test_a_hold_is_captured_in_part(connector, later):
    charge = await charge_of(connector, capture=False)
    held = await connector.authorise(charge)
    assert held == Approved(held.psp_reference, 5990, captured=False)
    capture = an_operation(CAPTURE, held.psp_reference, 4000)
    assert isinstance(await connector.look_up(asked(capture, held.psp_reference)), Unknown)
    assert isinstance(await later.look_up(asked(capture, held.psp_reference)), NotFound)
    captured = await connector.capture(capture)
    assert captured == Approved(held.psp_reference, 4000)
    assert await connector.look_up(asked(capture, held.psp_reference)) == captured
    again = await connector.capture(an_operation(CAPTURE, held.psp_reference, 1000))
    assert isinstance(again, Declined)
    assert again.code is DeclineCode.REQUEST_REFUSED


async def test_a_hold_is_cancelled_once(connector, later):
    charge = await charge_of(connector, capture=False)
    held = await connector.authorise(charge)
    cancel = an_operation(CANCEL, held.psp_reference)
    assert isinstance(await later.look_up(asked(cancel, held.psp_reference)), NotFound)
    cancelled = await connector.cancel(cancel)
    assert cancelled == Approved(held.psp_reference, 5990)
    assert await connector.cancel(cancel) == cancelled
    assert await connector.look_up(asked(cancel, held.psp_reference)) == cancelled
    captured = await connector.capture(an_operation(CAPTURE, held.psp_reference))
    assert isinstance(captured, Declined)
    gone = await connector.look_up(asked(charge, held.psp_reference))
    assert isinstance(gone, Declined)


async def test_a_declined_charge_is_mapped_and_found_by_look_up(connector):
    charge = await charge_of(connector, "pm_card_chargeCustomerFail")
    outcome = await connector.authorise(charge)
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.DO_NOT_HONOR
    assert outcome.psp_code == "generic_decline"
    found = await connector.look_up(asked(charge, outcome.psp_reference))
    assert isinstance(found, Declined)


async def test_an_unknown_payment_method_is_declined(connector):
    outcome = await connector.authorise(a_charge("pm_nobody"))
    assert isinstance(outcome, Declined)


@pytest.mark.parametrize(("decision", "expected"), [("approve", Approved), ("refuse", Declined)])
async def test_3d_secure_ends_as_decided(connector, session, payment_method, decision, expected):
    charge = a_charge(await payment_method("4000002500003155"))
    outcome = await connector.authorise(charge)
    assert isinstance(outcome, ActionRequired)
    assert await connector.look_up(asked(charge, outcome.psp_reference)) == outcome
    back = await decide(session, outcome.url, decision)
    assert back.startswith(charge.return_url)
    settled = await connector.look_up(asked(charge, outcome.psp_reference))
    assert isinstance(settled, expected)
    if isinstance(settled, Declined):
        assert settled.code is DeclineCode.AUTHENTICATION_FAILED


async def test_a_challenge_holds_the_money_or_is_cancelled(connector, session, payment_method):
    charge = a_charge(await payment_method("4000002500003155"), capture=False)
    challenged = await connector.authorise(charge)
    await decide(session, challenged.url, "approve")
    held = await connector.look_up(asked(charge, challenged.psp_reference))
    assert held == Approved(challenged.psp_reference, 5990, captured=False)
    left = await connector.authorise(a_charge(await payment_method("4000002500003155")))
    cancelled = await connector.cancel(an_operation(CANCEL, left.psp_reference))
    assert isinstance(cancelled, Approved)


async def test_a_challenge_of_a_setup_ends_as_decided(connector, session, payment_method):
    setup = a_setup(await payment_method("4000002500003155"))
    ready = await connector.set_up_instrument(setup)
    assert ready.next_action_url
    assert await connector.set_up_instrument(setup) == ready, "the shopper is still there"
    await decide(session, ready.next_action_url, "approve")
    assert await connector.set_up_instrument(setup) == replace(ready, next_action_url="")
    refused = a_setup(await payment_method("4000002500003155"))
    await decide(session, (await connector.set_up_instrument(refused)).next_action_url, "refuse")
    ended = await connector.set_up_instrument(refused)
    assert ended.code is DeclineCode.AUTHENTICATION_FAILED


async def test_a_merchant_initiated_charge_is_approved(connector):
    charge = await charge_of(connector, exemption=Exemption.MIT, return_url="")
    assert isinstance(await connector.authorise(charge), Approved)


async def test_a_sepa_debit_is_charged_without_a_card(connector, session, localstripe_url):
    data = {"type": "sepa_debit", "sepa_debit[iban]": "IT60X0542811101000000123456"}
    url = f"{localstripe_url}/v1/payment_methods"
    async with session.post(url, data=data, headers=KEY) as answer:
        token = (await answer.json())["id"]
    ready = await saved(connector, token)
    assert (ready.brand, ready.last4, ready.exp_month) == ("sepa_debit", "3456", 0)
    charge = a_charge(ready.token, psp_customer=ready.psp_customer)
    assert isinstance(await connector.authorise(charge), Approved)


async def test_an_attempt_without_a_reference_is_found_by_its_time(connector, later):
    charge = await charge_of(connector)
    never_made = a_charge("pm_card_visa")
    assert isinstance(await connector.look_up(asked(never_made)), Unknown)
    assert isinstance(await later.look_up(asked(never_made)), NotFound)
    charged = await connector.authorise(charge)
    assert await connector.look_up(asked(charge)) == charged
    assert await connector.authorise(charge) == charged
    assert isinstance(await connector.authorise(a_charge("pm_1", key=charge.key)), Unknown)


async def test_removing_a_card_succeeds_even_if_it_is_unknown(connector):
    ready = await saved(connector, "pm_card_visa")
    assert await connector.remove_instrument(ready.token) is True
    assert await connector.remove_instrument("pm_nobody") is True


async def events_of(hook: Hook, *texts: str) -> list[tuple[bytes, dict[str, str]]]:
    """The first event with each text; events of earlier tests may arrive in between."""
    while True:
        found = [
            next((event for event in hook.received if text.encode() in event[0]), None)
            for text in texts
        ]
        if all(found):
            return [event for event in found if event]
        await hook.wait_for(len(hook.received) + 1)


async def test_webhooks_are_verified_and_read(connector, session, localstripe_url, hook: Hook):
    body = json.dumps({"url": hook.url, "secret": "whsec_stripe"})
    config = f"{localstripe_url}/_config/webhooks/{hook.url.rpartition(':')[2][:5]}"
    async with session.post(config, data=body) as answer:
        assert answer.status == 200
    charge = a_charge("pm_card_visa")
    charged = await connector.authorise(charge)
    held = await connector.authorise(a_charge("pm_card_visa", capture=False))
    captured = await connector.capture(an_operation(CAPTURE, held.psp_reference, 4000))
    declined = a_charge("pm_card_chargeCustomerFail")
    await connector.authorise(declined)
    events = await events_of(hook, charge.key, held.psp_reference, declined.key)
    now = time.time()
    first, second, third = (connector.parse_webhook(*event, now) for event in events)
    assert isinstance(first, OperationNotice)
    assert (first.kind, first.key, first.outcome) == (AttemptKind.AUTHORISE, charge.key, charged)
    assert (second.kind, second.psp_reference, second.outcome) == (
        CAPTURE,
        held.psp_reference,
        captured,
    )
    assert (third.kind, third.key) == (AttemptKind.AUTHORISE, declined.key)
    assert isinstance(third.outcome, Declined)

    event, headers = events[0]
    for forged, with_headers, at in [
        (event + b" ", headers, now),
        (b"\xff", headers, now),
        (event, {}, now),
        (event, {"stripe-signature": "t=1"}, 1.0),
        (event, headers, now + 400),
    ]:
        with pytest.raises(WebhookSignatureError):
            connector.parse_webhook(forged, with_headers, at)
