"""Tokens of the card fields through whole payments, with the real sandbox and with localstripe.

The process dies, or the answer is lost, around the PSP call: recovery finds one charge or makes it.
"""

import json
import time
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest

from services.payments.connectors.base import Authorisation, Connector, Credentials
from services.payments.connectors.sandbox.connector import SandboxConnector
from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.flows import accounts
from services.payments.flows.create import Token
from services.payments.psps import Psps
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import Approved, DeclineCode, Outcome, Unknown
from services.payments.rules.states import State
from tests.services.payments.conftest import World
from tests.services.payments.connectors.conftest import stripe_credentials
from tests.services.payments.connectors.orders import a_charge
from tests.services.payments.psp_double import Fault, ProcessDied
from tests.services.payments.test_flows_crashes import until_the_fault

KEY = {"Authorization": "Bearer sk_test_12345"}
FAULTS = [*Fault, None]


class Mortal:
    """A connector whose process meets a fault at its first authorisation."""

    def __init__(self, real: Connector) -> None:
        self._real = real
        self.fault: Fault | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def authorise(self, charge: Authorisation) -> Outcome:
        fault, self.fault = self.fault, None
        if fault is Fault.DIES_BEFORE:
            raise ProcessDied
        if fault is Fault.NEVER_ARRIVED:
            return Unknown("the test says so")
        outcome = await self._real.authorise(charge)
        if fault in (Fault.DIES_DURING, Fault.DIES_AFTER):
            raise ProcessDied
        return Unknown("the answer was lost") if fault is Fault.LOST_ANSWER else outcome


@dataclass
class Shop:
    """A world with one account, at a PSP that is not a double."""

    world: World
    connector: Mortal
    session: aiohttp.ClientSession
    psp_url: str

    async def pay(self, token: str) -> Payment:
        return await self.world.create(
            instrument_id="",
            brand="",
            country="",
            method="link",
            tokens={"real": Token(token, "")},
        )

    async def decide(self, url: str, decision: str) -> None:
        sent = {"data": {"decision": decision}, "allow_redirects": False}
        async with self.session.post(url, **sent) as answer:
            assert answer.status == 303


async def shop_with(
    world: World, real: Connector, session: aiohttp.ClientSession, tmp_path: Any, psp_url: str
) -> Shop:
    mortal = Mortal(real)
    (tmp_path / "real.json").write_text(json.dumps({}))
    psps = Psps({"real": lambda *_: mortal}, tmp_path, session)  # type: ignore[dict-item]  # wraps a real connector
    deps = replace(world.deps, psps=psps)
    world.deps = deps
    await accounts.create_psp_account(deps, accounts.CreatePspAccount("real", "real", "real"))
    return Shop(world, mortal, session, psp_url)


@pytest.fixture
async def sandbox(
    world: World,
    sandbox_credentials: Credentials,
    sandbox_url: str,
    session: aiohttp.ClientSession,
    tmp_path,
) -> Shop:
    real = SandboxConnector(sandbox_credentials, session)
    return await shop_with(world, real, session, tmp_path, sandbox_url)


@pytest.fixture
async def stripe(
    world: World, localstripe_url: str, session: aiohttp.ClientSession, tmp_path
) -> Shop:
    """Two minutes later, so that none of our requests may still be at work."""
    real = StripeConnector(stripe_credentials(localstripe_url), session, lambda: time.time() + 120)
    return await shop_with(world, real, session, tmp_path, localstripe_url)


async def sandbox_token(shop: Shop, number: str = "4242 4242 4242 4242") -> str:
    card = {"number": number, "expiry": "12/34", "cvc": "123"}
    async with shop.session.post(f"{shop.psp_url}/psp/sandbox-a/tokens", json=card) as answer:
        token = str((await answer.json())["token"])
    assert token.startswith("sbt_")
    return token


async def stripe_token(shop: Shop, number: str = "4242424242424242") -> str:
    """The token that Elements create for a card."""
    card = {"number": number, "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    data = {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}
    url = f"{shop.psp_url}/v1/payment_methods"
    async with shop.session.post(url, data=data, headers=KEY) as answer:
        token = str((await answer.json())["id"])
    assert token.startswith("pm_")
    return token


async def sandbox_charges(shop: Shop) -> list[tuple[str, int]]:
    async with shop.session.get(f"{shop.psp_url}/books/charges") as answer:
        rows = (await answer.json())["data"]
    return [(row["state"], row["captured_minor"]) for row in rows]


async def stripe_charges(shop: Shop, payment: Payment) -> list[tuple[str, int]]:
    url = f"{shop.psp_url}/v1/payment_intents?limit=100"
    async with shop.session.get(url, headers=KEY) as answer:
        rows = (await answer.json())["data"]
    mine = [row for row in rows if row["metadata"].get("payment_id") == payment.id]
    return [(row["status"], row["amount"]) for row in mine]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_token_from_the_sandboxs_card_field_is_charged_once(sandbox: Shop, fault):
    sandbox.connector.fault = fault
    await until_the_fault(sandbox.pay(await sandbox_token(sandbox)))
    await sandbox.world.recover()
    assert (await sandbox.world.only_payment()).state is State.CAPTURED
    assert await sandbox_charges(sandbox) == [("captured", 5990)]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_token_from_stripe_elements_is_charged_once(stripe: Shop, fault):
    stripe.connector.fault = fault
    await until_the_fault(stripe.pay(await stripe_token(stripe)))
    await stripe.world.recover()
    payment = await stripe.world.only_payment()
    assert payment.state is State.CAPTURED
    assert await stripe_charges(stripe, payment) == [("succeeded", 5990)]


@pytest.mark.parametrize(
    ("decision", "state"), [("approve", State.CAPTURED), ("refuse", State.DECLINED)]
)
async def test_a_challenged_card_of_elements_ends_as_the_shopper_decides(
    stripe: Shop, decision, state
):
    payment = await stripe.pay(await stripe_token(stripe, "4000002500003155"))
    assert payment.state is State.REQUIRES_ACTION
    await stripe.decide(payment.next_action_url, decision)
    await stripe.world.recover()
    assert (await stripe.world.get(payment)).state is state


@pytest.mark.parametrize(
    ("decision", "state"), [("approve", State.CAPTURED), ("refuse", State.DECLINED)]
)
async def test_a_challenged_card_of_the_sandbox_ends_as_the_shopper_decides(
    sandbox: Shop, decision, state
):
    token = await sandbox_token(sandbox, "4000002500003155")
    payment = await sandbox.pay(token)
    assert payment.state is State.REQUIRES_ACTION
    await sandbox.decide(payment.next_action_url, decision)
    await sandbox.world.recover()
    assert (await sandbox.world.get(payment)).state is state


async def test_a_charged_token_is_declined_for_another_payment(sandbox: Shop):
    token = await sandbox_token(sandbox)
    await sandbox.pay(token)
    again = await sandbox.pay(token)
    assert again.state is State.DECLINED
    assert again.decline is not None
    assert again.decline.code is DeclineCode.CARD_INVALID
    assert len(await sandbox_charges(sandbox)) == 1


async def test_the_sandbox_answers_a_repeat_although_the_token_is_used_up(sandbox: Shop):
    charge = a_charge(await sandbox_token(sandbox))
    first = await sandbox.connector.authorise(charge)
    assert isinstance(first, Approved)
    assert await sandbox.connector.authorise(charge) == first
    assert await sandbox_charges(sandbox) == [("captured", 5990)]
