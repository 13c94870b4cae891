"""PostgreSQL's primary and one of the NATS nodes are killed under load: nothing that was answered is lost."""

import signal

import pytest

from stack.embedded import Stack
from stack.memory import data_in_memory
from stack.steady import SteadyStorefront, Verdict
from tests.e2e.conftest import open_shop
from tests.kit.connections import connected
from tests.waiting import until

pytestmark = pytest.mark.e2e

PER_SECOND, AT_ONCE = 10, 4
CLEAN = Verdict(lost=[], charged_twice=[], unknown_charges=[])
READERS = ("notify", "reporting")
CAPTURES = """SELECT event_id FROM outbox
    WHERE subject = 'incasso.payments.payment.captured' AND aggregate_id = ANY($1)"""
READ = "SELECT event_id FROM inbox WHERE consumer = $1"


@pytest.fixture(scope="module")
async def redundant(tmp_path_factory):
    with data_in_memory(tmp_path_factory.mktemp("redundant")) as root:
        async with (
            Stack.start(root, durable=False, redundant=True) as running,
            open_shop(running, "Doppia") as (shop, _),
        ):
            yield running, shop


async def storefront(stack, shop):
    customers = [await shop.customer("tok_visa") for _ in range(3)]
    return SteadyStorefront(shop, customers, lambda: stack.url)


async def until_sold(taken, count):
    goal = len(taken.captured) + count
    await until(lambda: len(taken.captured) >= goal or taken.failed)
    assert not taken.failed


async def test_an_answered_charge_survives_the_loss_of_postgresqls_primary(redundant):
    stack, shop = redundant
    store = await storefront(stack, shop)
    async with store.selling(PER_SECOND, at_once=AT_ONCE) as taken:
        await until_sold(taken, 10)
        await stack.stop("postgres", signal.SIGKILL)
        stack.promote_standby()
        await until_sold(taken, 10)
    assert not taken.failed
    assert await store.verdict() == CLEAN


async def test_no_event_is_lost_when_the_stream_leader_is_killed(redundant):
    stack, shop = redundant
    store = await storefront(stack, shop)
    async with store.selling(PER_SECOND, at_once=AT_ONCE) as taken:
        await until_sold(taken, 10)
        await stack.stop(await until(stack.leading_node), signal.SIGKILL)
        await until_sold(taken, 10)
    assert await store.verdict() == CLEAN
    paid = set(taken.captured.values())
    for reader in READERS:
        await until(lambda reader=reader: has_read(stack, reader, paid))


async def has_read(stack, reader, paid):
    """Whether the reader has handled the event of each of these payments."""
    events = await in_database(stack, "payments", CAPTURES, list(paid))
    assert len(events) == len(paid)
    read = await in_database(stack, reader, READ, reader)
    return set(events) <= set(read)


async def in_database(stack, service, query, *args):
    async with connected(stack.database_url(service)) as conn:
        return [row[0] for row in await conn.fetch(query, *args)]
