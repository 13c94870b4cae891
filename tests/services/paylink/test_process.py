"""The real process: it starts, dies in the middle of a payment, starts again and finishes it."""

import asyncio
import os
import signal

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.paylink.v1 import pages_pb2_grpc, paylink_pb2_grpc, shop_pb2, shop_pb2_grpc
from incasso.payments.v1 import payments_pb2
from libs import client, context
from libs.errors import Refusal, ServiceUnavailable
from tests.kit import doubles
from tests.kit.connections import connected
from tests.kit.instalments_double import Instalments
from tests.kit.payments_double import once
from tests.kit.processes import Processes
from tests.services.paylink.world import Link, World, token_of
from tests.waiting import HANGING_SECONDS, until


@pytest_asyncio.fixture(loop_scope="session")
async def neighbours():
    made = doubles.Merchants(), doubles.OneClick(), doubles.Payments()
    server, target = await doubles.serve(*made)
    yield (*made, target)
    await server.stop(0)


@pytest.fixture
def environment(nats_url, free_port, neighbours, new_database):
    target = neighbours[3]
    database = new_database("paylink")
    return {
        **os.environ,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(free_port()),
        "INCASSO_NATS_URL": nats_url,
        "INCASSO_DATABASE_URL": database,
        "INCASSO_PAYMENTS_TARGET": target,
        "INCASSO_MERCHANTS_TARGET": target,
        "INCASSO_ONECLICK_TARGET": target,
        "INCASSO_INSTALMENTS_TARGET": target,
        "INCASSO_PUBLIC_URL": "https://pay.example",
        "INCASSO_SEAL_KEYS": Fernet.generate_key().decode(),
    }


@pytest.fixture
def processes(new_processes, environment) -> Processes:
    return new_processes("paylink", environment)


def world_at(channel, neighbours) -> World:
    stub = paylink_pb2_grpc.PaymentLinksServiceStub(channel)
    pages = pages_pb2_grpc.PayPagesServiceStub(channel)
    return World(None, *neighbours[:3], Instalments(), stub, pages)


async def test_a_payment_survives_the_death_of_its_process(environment, processes, neighbours):
    child = await processes.start()
    payments = neighbours[2]
    async with client.channel(processes.target) as channel:
        world = world_at(channel, neighbours)
        link = await world.link()
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            asked.set()
            await go_on.wait()

        payments.before["CreatePayment"] = once(hang)
        paying = asyncio.create_task(pay(world, link))
        await asked.wait()
        await child.end(signal.SIGKILL)
        go_on.set()
        await processes.start()
        (answer,) = await asyncio.gather(paying, return_exceptions=True)
        if isinstance(answer, Refusal):  # else the new process answered: in progress
            assert answer.reason == "outcome_unknown"
        await make_due(environment)
        async with asyncio.timeout(HANGING_SECONDS):
            while not await is_paid(world, link):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.2)
    assert len(payments.books) == 1
    assert len(set(payments.keys["CreatePayment"])) == 1


async def pay(world: World, link, **more):
    """With the form of its page, since only the process has the seal key."""
    page = await world.page(link)
    return await world.pay(link, key=page.form_key, offer=page.offer, **more)


async def is_paid(world: World, link) -> bool:
    try:
        return (await world.get(link)).state == Link.STATE_PAID
    except ServiceUnavailable:  # it is still starting
        return False


async def make_due(environment: dict[str, str]) -> None:
    """Makes attempts due at once; the worker would wait 15 seconds."""
    async with connected(environment["INCASSO_DATABASE_URL"]) as conn:
        await conn.execute("UPDATE link_payments SET due_at = now() WHERE due_at IS NOT NULL")


async def test_sigterm_finishes_the_call_in_flight_and_logs_no_secrets(
    environment, processes, neighbours
):
    child = await processes.start()
    payments = neighbours[2]
    async with client.channel(processes.target) as channel:
        world = world_at(channel, neighbours)
        link = await world.sent_link()
        asked = asyncio.Event()

        async def slow() -> None:
            asked.set()
            await asyncio.sleep(1)

        payments.before["CreatePayment"] = slow
        paying = asyncio.create_task(pay(world, link, card_token="tok_secret"))
        await asked.wait()
        child.send(signal.SIGTERM)
        assert (await paying).payment_state == payments_pb2.Payment.STATE_CAPTURED
    assert await child.wait() == 0, child.output
    for secret in ("giulia@example.com", token_of(link), "tok_secret"):
        assert secret not in child.output


async def test_a_page_waiting_at_one_replica_sees_a_payment_at_another(
    environment, processes, neighbours, free_port
):
    await processes.start()
    first = processes.target
    processes.environment = {
        **environment,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(free_port()),
    }
    await processes.start()
    second = processes.target
    async with client.channel(first) as one, client.channel(second) as two:
        here, there = world_at(one, neighbours), world_at(two, neighbours)
        there.merchant_id = here.merchant_id

        async def is_notified() -> bool:
            """False if the wait timed out before the other replica had recorded the payment: try again."""
            link = await here.link()
            version = (await here.page(link)).version
            waiting = asyncio.create_task(
                here.visit(
                    "WaitForPayPage", token=token_of(link), version=version, timeout_ms=20_000
                )
            )
            assert not (await asyncio.wait([waiting], timeout=0.5))[0], "it waits"
            await pay(there, link)
            return (await waiting).version > version

        assert await until(is_notified)


async def test_the_shop_is_served_by_the_same_process(environment, processes, neighbours):
    await processes.start()
    async with client.channel(processes.target) as channel:
        context.set_current(context.Call(merchant_id="mer_1"))
        shop = shop_pb2_grpc.ShopServiceStub(channel)
        request = shop_pb2.ListProductsRequest()
        assert (
            list(
                (
                    await client.call(shop.ListProducts, request, timeout_seconds=HANGING_SECONDS)
                ).data
            )
            == []
        )


async def test_it_refuses_to_start_before_its_schema_is_there(processes, new_database):
    processes.environment["INCASSO_DATABASE_URL"] = new_database()
    code, output = await processes.refused()
    assert code != 0
    assert "run: python -m services.paylink migrate" in output
