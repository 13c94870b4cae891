"""The sandbox connector against the real sandbox over HTTP."""

import asyncio
from datetime import UTC, datetime

import aiohttp
import pytest

from libs import telemetry
from services.payments.connectors.base import Credentials
from services.payments.connectors.sandbox.connector import SandboxConnector
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Pending,
    Unknown,
)
from services.payments.rules.states import AttemptKind, Exemption
from stack.process import free_ports
from tests.services.payments.connectors.orders import a_charge, a_setup, an_operation, asked
from tests.waiting import HANGING_SECONDS, until

CAPTURE, CANCEL, REFUND = AttemptKind.CAPTURE, AttemptKind.CANCEL, AttemptKind.REFUND


@pytest.fixture
def connector(sandbox_credentials: Credentials, session: aiohttp.ClientSession):
    """Patient: a machine that is too busy to connect in time is not what these tests are about."""
    patient = aiohttp.ClientTimeout(total=HANGING_SECONDS)
    return SandboxConnector(sandbox_credentials, session, patient)


@pytest.fixture
def impatient(sandbox_credentials: Credentials, session: aiohttp.ClientSession):
    """Impatient for the answer only: giving up while connecting would send nothing."""
    timeout = aiohttp.ClientTimeout(sock_read=1)
    return SandboxConnector(sandbox_credentials, session, timeout)


async def books(session: aiohttp.ClientSession, url: str) -> list[dict]:
    async with session.get(f"{url}/books/charges") as answer:
        return (await answer.json())["data"]


async def faults(session: aiohttp.ClientSession, url: str, **rule: object) -> None:
    async with session.put(f"{url}/control/faults", json={"rules": [rule]}) as answer:
        assert answer.status == 200


async def struck(session: aiohttp.ClientSession, url: str) -> bool:
    """Whether the fault has hit a call, which has therefore reached the PSP."""
    async with session.get(f"{url}/control/faults") as answer:
        (rule,) = (await answer.json())["rules"]
    return rule["taken"] > 0


async def authorised(connector, amount_minor: int = 5990) -> str:
    outcome = await connector.authorise(a_charge(capture=False, amount_minor=amount_minor))
    assert isinstance(outcome, Approved)
    assert not outcome.captured
    return outcome.psp_reference


async def test_a_charge_with_capture_is_captured_under_our_key(connector, session, sandbox_url):
    charge = a_charge()
    outcome = await connector.authorise(charge)
    assert isinstance(outcome, Approved)
    assert (outcome.amount_minor, outcome.captured) == (5990, True)
    (row,) = await books(session, sandbox_url)
    assert (row["key"], row["id"], row["captured_minor"]) == (
        charge.key,
        outcome.psp_reference,
        5990,
    )


async def test_an_authorised_charge_is_captured_in_part_and_refunded(connector):
    reference = await authorised(connector)
    captured = await connector.capture(an_operation(CAPTURE, reference, 4000))
    assert isinstance(captured, Approved)
    assert captured.amount_minor == 4000
    refund = await connector.refund(an_operation(REFUND, reference, 1500))
    assert isinstance(refund, Approved)
    assert refund.amount_minor == 1500
    over = await connector.refund(an_operation(REFUND, reference, 4000))
    assert isinstance(over, Declined)
    assert (over.code, over.psp_code) == (DeclineCode.REQUEST_REFUSED, "amount_too_large")


async def test_a_cancelled_charge_cannot_be_captured(connector):
    reference = await authorised(connector)
    cancel = an_operation(CANCEL, reference)
    released = await connector.cancel(cancel)
    assert isinstance(released, Approved)
    assert released.amount_minor == 5990
    assert await connector.look_up(asked(cancel)) == released
    capture = an_operation(CAPTURE, reference)
    refused = await connector.capture(capture)
    assert isinstance(refused, Declined)
    assert refused.code is DeclineCode.REQUEST_REFUSED
    assert await connector.look_up(asked(capture)) == refused


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_declined", DeclineCode.DO_NOT_HONOR),
        ("tok_declined_at_a", DeclineCode.DO_NOT_HONOR),
        ("tok_insufficient_funds", DeclineCode.INSUFFICIENT_FUNDS),
        ("tok_stolen", DeclineCode.CARD_BLOCKED),
        ("tok_that_nobody_knows", DeclineCode.CARD_INVALID),
    ],
)
async def test_a_decline_is_definite_and_mapped_to_our_code(connector, token, code):
    outcome = await connector.authorise(a_charge(token))
    assert isinstance(outcome, Declined)
    assert outcome.code is code
    assert outcome.message.endswith(".")


async def test_a_soft_decline_becomes_a_challenge_when_one_is_forced(connector):
    exempted = a_charge("tok_soft_decline", exemption=Exemption.LOW_VALUE)
    soft = await connector.authorise(exempted)
    assert isinstance(soft, Declined)
    assert soft.code is DeclineCode.AUTHENTICATION_REQUIRED
    forced = await connector.authorise(a_charge("tok_soft_decline", force_challenge=True))
    assert isinstance(forced, ActionRequired)


@pytest.mark.parametrize(("decision", "expected"), [("approve", Approved), ("refuse", Declined)])
async def test_a_challenge_ends_as_the_shopper_decides(connector, session, decision, expected):
    charge = a_charge("tok_3ds")
    outcome = await connector.authorise(charge)
    assert isinstance(outcome, ActionRequired)
    async with session.post(
        outcome.url, data={"decision": decision}, allow_redirects=False
    ) as back:
        assert back.headers["Location"].startswith(charge.return_url)
    settled = await connector.look_up(asked(charge, outcome.psp_reference))
    assert isinstance(settled, expected)
    assert settled.psp_reference == outcome.psp_reference


@pytest.mark.parametrize(("decision", "expected"), [("approve", Approved), ("refuse", Declined)])
async def test_a_payment_by_psp_method_ends_as_the_shopper_decides(
    connector, session, decision, expected
):
    charge = a_charge("", method="klarna")
    outcome = await connector.authorise(charge)
    assert isinstance(outcome, ActionRequired)
    async with session.get(outcome.url) as page:
        assert "Klarna</dd>" in await page.text()
    async with session.post(
        outcome.url, data={"decision": decision}, allow_redirects=False
    ) as back:
        assert back.headers["Location"].startswith(charge.return_url)
    assert isinstance(await connector.look_up(asked(charge, outcome.psp_reference)), expected)


async def test_a_method_the_psp_does_not_offer_is_declined(connector):
    outcome = await connector.authorise(a_charge("", method="barter"))
    assert isinstance(outcome, Declined)
    assert outcome.code is DeclineCode.CARD_INVALID


async def test_a_merchant_initiated_charge_with_its_mandate_needs_no_challenge(connector):
    charge = a_charge("tok_3ds", exemption=Exemption.MIT, mandate_reference="mnd_1")
    assert isinstance(await connector.authorise(charge), Approved)


async def test_a_pending_charge_settles_later(connector, session, sandbox_url):
    charge = a_charge("tok_pending")
    outcome = await connector.authorise(charge)
    assert isinstance(outcome, Pending)
    settle = f"{sandbox_url}/control/charges/{outcome.psp_reference}/settle"
    async with session.post(settle, json={"outcome": "declined"}) as answer:
        assert answer.status == 200
    assert isinstance(await connector.look_up(asked(charge)), Declined)


@pytest.mark.parametrize("token", ["tok_lost_answer", "tok_error_charged", "tok_slow"])
async def test_a_charge_without_an_answer_is_unknown_and_found_by_its_key(
    impatient, connector, token
):
    charge = a_charge(token)
    assert isinstance(await impatient.authorise(charge), Unknown)
    found = await connector.look_up(asked(charge))
    assert isinstance(found, Approved)
    assert found.captured
    assert await connector.authorise(charge) == found


async def test_an_error_before_the_charge_is_unknown_and_then_looked_up_as_not_found(connector):
    charge = a_charge("tok_error")
    assert isinstance(await connector.authorise(charge), Unknown)
    assert isinstance(await connector.look_up(asked(charge)), NotFound)
    assert isinstance(await connector.authorise(charge), Approved)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "error_before", "error_after"])
@pytest.mark.parametrize("operation", ["capture", "refund", "cancel"])
async def test_an_operation_hit_by_a_fault_is_unknown_until_looked_up(
    connector, session, sandbox_url, operation, kind
):
    charged = await connector.authorise(a_charge(capture=operation == "refund"))
    await faults(session, sandbox_url, operation=operation, kind=kind, times=1)
    order = an_operation(AttemptKind(operation), charged.psp_reference)
    call = getattr(connector, operation)
    assert isinstance(await call(order), Unknown)
    found = await connector.look_up(asked(order))
    assert isinstance(found, NotFound if kind.endswith("before") else Approved)
    assert isinstance(await call(order), Approved)


async def test_fifty_concurrent_charges_with_one_key_charge_once(connector, session, sandbox_url):
    charge = a_charge()
    outcomes = await asyncio.gather(*(connector.authorise(charge) for _ in range(50)))
    known = {outcome for outcome in outcomes if not isinstance(outcome, Unknown)}
    assert len(known) == 1
    assert len(await books(session, sandbox_url)) == 1


async def test_a_key_still_in_use_or_reused_is_unknown(connector, session, sandbox_url):
    await faults(session, sandbox_url, operation="charge", kind="latency", seconds=1.5, times=1)
    charge = a_charge()
    first = asyncio.create_task(connector.authorise(charge))
    await until(lambda: struck(session, sandbox_url))
    assert isinstance(await connector.authorise(charge), Unknown)
    assert isinstance(await connector.look_up(asked(charge)), Unknown)
    assert isinstance(await first, Approved)
    other = a_charge(key=charge.key, amount_minor=1)
    assert isinstance(await connector.authorise(other), Unknown)


async def test_a_refused_connection_declines_charges_and_leaves_look_ups_unknown(session):
    nobody = SandboxConnector(
        Credentials({
            "base_url": f"http://127.0.0.1:{free_ports(1)[0]}",
            "account": "sandbox-a",
            "secret_key": "x",
            "webhook_secret": "x",
        }),
        session,
    )  # fmt: skip
    charge = a_charge()
    refused = await nobody.authorise(charge)
    assert isinstance(refused, Declined)
    assert refused.code is DeclineCode.PSP_UNAVAILABLE
    assert isinstance(await nobody.look_up(asked(charge)), Unknown)
    assert isinstance(
        await nobody.settlements("", since=datetime(2026, 11, 1, tzinfo=UTC)), Unknown
    )
    assert await nobody.remove_instrument("sbx_1") is False
    setup = await nobody.set_up_instrument(a_setup())
    assert isinstance(setup, Declined)


async def test_wrong_credentials_decline_charges_and_leave_look_ups_unknown(
    sandbox_credentials, session
):
    values = {**sandbox_credentials.values, "secret_key": "sandbox_sk_other"}
    connector = SandboxConnector(Credentials(values), session)
    charge = a_charge()
    refused = await connector.authorise(charge)
    assert isinstance(refused, Declined)
    assert refused.code is DeclineCode.PSP_UNAVAILABLE
    assert isinstance(await connector.look_up(asked(charge)), Unknown)


@pytest.mark.usefixtures("recorded_spans")
async def test_the_charge_belongs_to_the_callers_trace(connector, session, sandbox_url):
    with telemetry.span("psp authorise"):
        trace_id = telemetry.trace_id()
        await connector.authorise(a_charge())
    async with session.get(f"{sandbox_url}/traces/{trace_id}.json") as answer:
        (span,) = (await answer.json())["spans"]
    assert span["name"] == "sandbox POST /charges"


async def test_a_call_that_gets_no_connection_in_time_is_declined(
    sandbox_credentials, session, sandbox_url
):
    await faults(session, sandbox_url, operation="charge", kind="latency", seconds=1.5, times=1)
    patient = aiohttp.ClientTimeout(total=HANGING_SECONDS)
    hasty = aiohttp.ClientTimeout(total=HANGING_SECONDS, connect=0.1)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as narrow:
        holds_the_only_one = SandboxConnector(sandbox_credentials, narrow, patient)
        first = asyncio.create_task(holds_the_only_one.authorise(a_charge()))
        await until(lambda: struck(session, sandbox_url))
        second = await SandboxConnector(sandbox_credentials, narrow, hasty).authorise(a_charge())
        assert isinstance(await first, Approved)
    assert isinstance(second, Declined)
    assert second.code is DeclineCode.PSP_UNAVAILABLE
    assert len(await books(session, sandbox_url)) == 1
