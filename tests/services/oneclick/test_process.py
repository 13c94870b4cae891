"""The real process: it starts, is killed in the middle of a charge, starts again and finishes it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import asyncpg
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.oneclick.v1.oneclick_pb2_grpc import OneClickServiceStub
from incasso.payments.v1 import payments_pb2
from libs import client
from libs.errors import Refusal
from stack.process import accepts_connections, wait_until
from tests.conftest import ROOT
from tests.kit import payments_double
from tests.services.oneclick.world import World
from tests.waiting import HANGING_SECONDS

COMMAND = [sys.executable, "-m", "services.oneclick"]


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


class Processes:
    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.running: list[subprocess.Popen] = []

    async def start(self) -> subprocess.Popen:
        return await asyncio.to_thread(self._start)

    def _start(self) -> subprocess.Popen:
        child = subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.running.append(child)
        port = int(self.environment["INCASSO_ADMIN_PORT"])
        wait_until(lambda: accepts_connections(port), child, HANGING_SECONDS)
        return child


@pytest.fixture
def processes(environment) -> Iterator[Processes]:
    made = Processes(environment)
    yield made
    for child in made.running:
        child.kill()
        child.communicate()


async def test_a_charge_survives_the_death_of_its_process(environment, processes, payments):
    child = await processes.start()
    target = f"127.0.0.1:{environment['INCASSO_GRPC_PORT']}"
    async with client.channel(target) as channel:
        world = World(None, payments, OneClickServiceStub(channel))
        customer_id = await world.shopper()
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def hang() -> None:
            asked.set()
            await go_on.wait()

        payments.before["CreatePayment"] = payments_double.once(hang)
        charging = asyncio.create_task(world.charge(customer_id, key="order-1"))
        await asked.wait()
        child.kill()
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
    """The dead process' lock runs out after 30 seconds; do not wait for it."""
    conn = await asyncpg.connect(environment["INCASSO_DATABASE_URL"])
    await conn.execute("UPDATE idempotency_keys SET locked_until = now()")
    await conn.close()


async def test_it_stops_when_asked_and_finishes_what_it_began(environment, processes, payments):
    child = await processes.start()
    target = f"127.0.0.1:{environment['INCASSO_GRPC_PORT']}"
    async with client.channel(target) as channel:
        world = World(None, payments, OneClickServiceStub(channel))
        customer_id = await world.shopper()
        asked = asyncio.Event()

        async def slow() -> None:
            asked.set()
            await asyncio.sleep(1)

        payments.before["CreatePayment"] = slow
        charging = asyncio.create_task(world.charge(customer_id, key="order-1"))
        await asked.wait()
        child.terminate()
        assert (await charging).state == payments_pb2.Payment.STATE_CAPTURED
    output = (await asyncio.to_thread(child.communicate, timeout=HANGING_SECONDS))[0].decode()
    assert child.returncode == 0, output
    assert "giulia@example.com" not in output


def test_it_refuses_to_start_before_its_schema_is_there(environment, new_database):
    environment["INCASSO_DATABASE_URL"] = new_database()
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "run: python -m services.oneclick migrate" in done.stdout + done.stderr
