"""The real process starts, is killed in the middle of a charge, starts again and finishes it."""

import asyncio
import os
import signal

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.oneclick.v1.oneclick_pb2_grpc import OneClickServiceStub
from incasso.payments.v1 import payments_pb2
from libs import client
from libs.errors import Refusal
from tests.kit import payments_double
from tests.kit.connections import connected
from tests.kit.processes import Processes
from tests.services.oneclick.world import World
from tests.waiting import HANGING_SECONDS


@pytest_asyncio.fixture(loop_scope="session")
async def payments():
    double = payments_double.Payments()
    server, target = await payments_double.serve(double)
    double.target = target
    yield double
    await server.stop(0)


@pytest.fixture
def environment(nats_url, free_port, payments, new_database):
    database = new_database("oneclick")
    return {
        **os.environ,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(free_port()),
        "INCASSO_NATS_URL": nats_url,
        "INCASSO_DATABASE_URL": database,
        "INCASSO_PAYMENTS_TARGET": payments.target,
        "INCASSO_SEAL_KEYS": Fernet.generate_key().decode(),
    }


@pytest.fixture
def processes(new_processes, environment) -> Processes:
    return new_processes("oneclick", environment)


async def test_a_charge_survives_the_death_of_its_process(environment, processes, payments):
    child = await processes.start()
    async with client.channel(processes.target) as channel:
        world = World(None, payments, OneClickServiceStub(channel))
        customer_id = await world.shopper()
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            asked.set()
            await go_on.wait()

        payments.before["CreatePayment"] = payments_double.once(hang)
        charging = asyncio.create_task(world.charge(customer_id, key="order-1"))
        await asked.wait()
        await child.end(signal.SIGKILL)
        with pytest.raises(Refusal) as refused:
            await charging
        assert refused.value.reason == "outcome_unknown"
        go_on.set()
        await processes.start()
        await age_locks(environment)
        payment = await repeat(world, customer_id)
        assert payment.state == payments_pb2.Payment.STATE_CAPTURED
        assert list(payments.books.values()) == [payment]
        assert len(set(payments.keys["CreatePayment"])) == 1


async def repeat(world: World, customer_id: str):
    """What a storefront does after a 503: the same request until it is answered."""
    async with asyncio.timeout(HANGING_SECONDS):
        while True:
            try:
                return await world.charge(customer_id, key="order-1")
            except Refusal as refusal:
                if refusal.kind.http_status not in {409, 503}:
                    raise
                await asyncio.sleep(0.2)


async def age_locks(environment: dict[str, str]) -> None:
    """The dead process's lock expires after 30 seconds; the test does not wait for that."""
    async with connected(environment["INCASSO_DATABASE_URL"]) as conn:
        await conn.execute("UPDATE idempotency_keys SET locked_until = now()")


async def test_shutdown_finishes_a_charge_in_progress(environment, processes, payments):
    child = await processes.start()
    async with client.channel(processes.target) as channel:
        world = World(None, payments, OneClickServiceStub(channel))
        customer_id = await world.shopper()
        asked = asyncio.Event()

        async def slow() -> None:
            asked.set()
            await asyncio.sleep(1)

        payments.before["CreatePayment"] = slow
        charging = asyncio.create_task(world.charge(customer_id, key="order-1"))
        await asked.wait()
        child.send(signal.SIGTERM)
        assert (await charging).state == payments_pb2.Payment.STATE_CAPTURED
    assert await child.wait() == 0, child.output
    assert "giulia@example.com" not in child.output


async def test_it_refuses_to_start_without_its_schema(processes, new_database):
    processes.environment["INCASSO_DATABASE_URL"] = new_database()
    code, output = await processes.refused()
    assert code != 0
    assert "run: python -m services.oneclick migrate" in output
