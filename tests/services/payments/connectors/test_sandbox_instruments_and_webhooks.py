"""Saved cards, webhooks, disputes and settlements of the sandbox connector, over HTTP."""

import time
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from services.payments.connectors.base import (
    Credentials,
    DisputeNotice,
    InstrumentReady,
    OperationNotice,
    WebhookMalformedError,
    WebhookSignatureError,
)
from services.payments.connectors.registry import CONNECTORS
from services.payments.connectors.sandbox.connector import SandboxConnector
from services.payments.rules.outcomes import (
    Approved,
    DeclineCode,
    Declined,
)
from services.payments.rules.states import AttemptKind, DisputeState
from tests.services.payments.connectors.conftest import Hook
from tests.services.payments.connectors.orders import a_charge, a_setup, an_operation

CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND


@pytest.fixture
def connector(sandbox_credentials: Credentials, session: aiohttp.ClientSession):
    return CONNECTORS["sandbox"](sandbox_credentials, session)


async def test_a_saved_card_is_charged_and_removed(connector):
    setup = a_setup()
    ready = await connector.set_up_instrument(setup)
    assert isinstance(ready, InstrumentReady)
    assert (ready.brand, ready.last4, ready.next_action_url) == ("visa", "4242", "")
    assert await connector.set_up_instrument(setup) == ready
    assert isinstance(await connector.authorise(a_charge(ready.token)), Approved)
    assert await connector.remove_instrument(ready.token) is True
    assert await connector.remove_instrument(ready.token) is True
    gone = await connector.authorise(a_charge(ready.token))
    assert isinstance(gone, Declined)
    assert gone.code is DeclineCode.CARD_INVALID


async def test_a_card_challenged_on_saving_can_be_charged_only_after_it(connector, session):
    setup = a_setup("tok_3ds_setup")
    ready = await connector.set_up_instrument(setup)
    assert isinstance(ready, InstrumentReady)
    assert await connector.set_up_instrument(setup) == ready
    early = await connector.authorise(a_charge(ready.token))
    assert isinstance(early, Declined)
    async with session.post(
        ready.next_action_url, data={"decision": "approve"}, allow_redirects=False
    ):
        pass
    saved = await connector.set_up_instrument(setup)
    assert saved == replace(ready, next_action_url="")
    assert isinstance(await connector.authorise(a_charge(ready.token)), Approved)
    unknown = await connector.set_up_instrument(a_setup("tok_nothing"))
    assert isinstance(unknown, Declined)
    assert unknown.code is DeclineCode.CARD_INVALID


async def register(session: aiohttp.ClientSession, url: str, hook: Hook) -> None:
    account = {"webhook_url": hook.url, "webhook_secret": "whsec_sandbox"}
    async with session.put(f"{url}/control/accounts/sandbox-a", json=account) as answer:
        assert answer.status == 200


async def test_webhooks_report_the_same_outcomes_as_the_answers(
    connector, session, sandbox_url, hook
):
    await register(session, sandbox_url, hook)
    charge = a_charge(capture=False)
    held = await connector.authorise(charge)
    capture = an_operation(CAPTURE, held.psp_reference, 5000)
    captured = await connector.capture(capture)
    refund = an_operation(REFUND, held.psp_reference, 100)
    refunded = await connector.refund(refund)
    events = await hook.wait_for(3)
    notices = [connector.parse_webhook(*event, time.time()) for event in events]
    assert all(isinstance(notice, OperationNotice) for notice in notices)
    reported = {(notice.kind, notice.key): notice.outcome for notice in notices}
    assert reported == {
        (AttemptKind.AUTHORISE, charge.key): held,
        (CAPTURE, capture.key): captured,
        (REFUND, refund.key): refunded,
    }
    assert {notice.psp_reference for notice in notices} == {held.psp_reference}


async def test_disputes_are_reported_when_opened_and_closed(connector, session, sandbox_url, hook):
    await register(session, sandbox_url, hook)
    charged = await connector.authorise(a_charge())
    body = {"charge_id": charged.psp_reference, "amount_minor": 1000}
    async with session.post(f"{sandbox_url}/control/disputes", json=body) as answer:
        dispute = await answer.json()
    close = f"{sandbox_url}/control/disputes/{dispute['id']}/close"
    async with session.post(close, json={"outcome": "lost"}):
        pass
    events = await hook.wait_for(3)
    notices = [connector.parse_webhook(*event, time.time()) for event in events]
    disputes = [notice for notice in notices if isinstance(notice, DisputeNotice)]
    assert {notice.state for notice in disputes} == {DisputeState.OPEN, DisputeState.LOST}
    assert {(n.psp_reference, n.amount_minor) for n in disputes} == {(charged.psp_reference, 1000)}


async def test_webhooks_with_bad_signatures_or_timestamps_are_refused(
    connector, session, sandbox_url, hook
):
    await register(session, sandbox_url, hook)
    await connector.authorise(a_charge())
    ((body, headers),) = await hook.wait_for(1)
    now = int(headers["sandbox-signature"].partition(",")[0].removeprefix("t="))
    for forged, with_headers, at in [
        (body + b" ", headers, now),
        (body, {**headers, "sandbox-signature": "t=1,v1=00"}, now),
        (body, {**headers, "sandbox-signature": "nonsense"}, now),
        (body, {}, now),
        (body, headers, now + 301),
        (body, headers, now - 301),
    ]:
        with pytest.raises(WebhookSignatureError):
            connector.parse_webhook(forged, with_headers, at)


SINCE = datetime(2026, 11, 1, tzinfo=UTC)


async def test_settlement_lines_add_up_and_are_read_once(connector, session, sandbox_url):
    charged = await connector.authorise(a_charge(amount_minor=10_000))
    await connector.refund(an_operation(REFUND, charged.psp_reference, 1000))
    empty = await connector.settlements("", since=SINCE)
    assert empty.lines == []
    async with session.post(f"{sandbox_url}/control/payouts", json={}) as answer:
        assert answer.status == 200
    page = await connector.settlements(empty.cursor, since=SINCE)
    assert [(line.kind, line.gross_minor, line.fee_minor) for line in page.lines] == [
        ("charge", 10_000, 165),
        ("refund", -1000, 0),
    ]
    assert all(line.gross_minor - line.fee_minor == line.net_minor for line in page.lines)
    assert {line.psp_reference for line in page.lines} == {charged.psp_reference}
    assert (await connector.settlements(page.cursor, since=SINCE)).lines == []


def test_the_card_field_is_served_from_the_public_url(sandbox_credentials):
    values = {**sandbox_credentials.values, "public_url": "https://pay.example/"}
    connector = SandboxConnector(Credentials(values), session=None)  # type: ignore[arg-type]  # makes no calls
    assert connector.field == ("sandbox-a", "https://pay.example/psp/field.js")


def test_malformed_events_are_refused_even_when_signed(sandbox_credentials):
    import hashlib
    import hmac

    connector = SandboxConnector(sandbox_credentials, session=None)  # type: ignore[arg-type]  # makes no calls
    for body in (b"[]", b"{}", b"\xff", b'{"id": "sev_1", "type": "charge.captured", "data": 1}'):
        digest = hmac.new(b"whsec_sandbox", b"100." + body, hashlib.sha256).hexdigest()
        with pytest.raises(WebhookMalformedError):
            connector.parse_webhook(body, {"sandbox-signature": f"t=100,v1={digest}"}, 100.0)
