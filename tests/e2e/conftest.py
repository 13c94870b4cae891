"""Merchants with storefronts on the shared stack, and the sandbox's faults and books."""

from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
import pytest

from stack.demo_merchant import create_merchant, ensure_demo_merchant
from stack.embedded import Stack
from stack.memory import data_in_memory
from stack.payer import Payer
from stack.receiver import receiver
from stack.shop import JourneyFailedError, Shop
from tests.browser import browser
from tests.waiting import HANGING_SECONDS, until

__all__ = ["browser"]  # the fixture, for every test of this folder
# Enough for several recovery attempts, whose back-off doubles from 5 or 15 s. A slow machine takes longer, but not hours.
RECOVERED_WITHIN_SECONDS = 2 * HANGING_SECONDS


# Exporting a span at every boundary costs more than tests gain from it, so one in ten of a shop's calls is traced,
# with everything that follows from it, as in production.
RECORDED = 0.1


def address():
    return f"giulia-{uuid4().hex[:8]}@example.com"


def mailed(to, **more):
    return {"recipient": {"name": "Giulia Bianchi", "email": to}, "channels": ["email"], **more}


async def until_back(condition, *, within_seconds=HANGING_SECONDS):
    """Like `until`, but tolerates a service that is down."""
    away = (JourneyFailedError, aiohttp.ClientError)
    return await until(condition, within_seconds=within_seconds, every_seconds=0.1, despite=away)


@asynccontextmanager
async def open_shop(stack, name):
    """A separate merchant with generous limits, and its storefront.

    It also has its own PSP accounts, because an account has only one webhook address.
    """
    merchant = await create_merchant(stack, name, suffix=f"-{name.lower()}")
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        shop = Shop(
            http,
            stack.url,
            merchant.secret_key,
            stack.sandbox_url,
            stack.localstripe_url,
            recorded=RECORDED,
        )
        await shop.lift_limits()
        yield shop, merchant


@pytest.fixture(scope="package")
async def stack(tmp_path_factory):
    """The whole embedded stack, one for all end-to-end tests of a worker.

    It stops when the worker leaves this folder, because an idle stack takes a thirtieth of a CPU.
    """
    with data_in_memory(tmp_path_factory.mktemp("stack")) as root:
        async with Stack.start(root, durable=False) as running:
            yield running


@pytest.fixture(scope="package")
async def demo_merchant(stack):
    return await ensure_demo_merchant(stack)


@pytest.fixture(scope="package")
async def opened(stack):
    async with open_shop(stack, "Bottega") as pair:
        yield pair


@pytest.fixture
async def shop(opened):
    """The first merchant's storefront. Afterwards the sandbox has no faults set."""
    found, _ = opened
    yield found
    async with found.http.delete(f"{found.sandbox_url}/control/faults") as answer:
        answer.raise_for_status()


@pytest.fixture(scope="package")
def merchant(opened):
    return opened[1]


@pytest.fixture
def set_faults(shop):
    """`await set_faults({"operation": "charge", "kind": "drop_after", "times": 1})`."""

    async def put(*rules):
        async with shop.http.put(
            f"{shop.sandbox_url}/control/faults", json={"rules": list(rules)}
        ) as answer:
            answer.raise_for_status()

    return put


@pytest.fixture
def struck(shop):
    """`await struck()`: waits until every rule of set_faults has been applied to a call. Unlike a state, that lasts."""

    async def every_rule_met_a_call():
        async with shop.http.get(f"{shop.sandbox_url}/control/faults") as answer:
            rules = (await answer.json())["rules"]
        return rules and all(rule["taken"] for rule in rules)

    async def wait(*, within_seconds=HANGING_SECONDS):
        await until(every_rule_met_a_call, within_seconds=within_seconds, every_seconds=0.05)

    return wait


@pytest.fixture
def caught_up(shop):
    """`await caught_up()`: waits for a new message, by which time all earlier events and messages are done."""

    async def wait(by="email"):
        to = address() if by == "email" else f"+39333{uuid4().int % 10**7:07d}"
        recipient = {"email": to} if by == "email" else {"phone": to}
        (await shop.link(100, recipient=recipient, channels=[by])).expect(201)
        await shop.inbox(to, within_seconds=HANGING_SECONDS)

    return wait


@pytest.fixture
def booked(shop):
    """Rows of the sandbox's books for a payment or an order."""

    async def find(payment):
        rows = (await shop.books()).values()
        return [
            row for row in rows if row["reference"] in (payment["id"], payment["order_reference"])
        ]

    return find


@pytest.fixture
def payer(shop):
    return Payer(shop.http, shop.sandbox_url)


@pytest.fixture
async def webhooks(shop):
    async with receiver() as listening:
        made = await shop.call("POST", "/v1/webhook-endpoints", {"url": listening.url})
        endpoint = made.expect(201)
        listening.secrets.append(endpoint["secret"])
        yield listening
        (await shop.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")).expect(200)
