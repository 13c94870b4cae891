"""oneclick on a real PostgreSQL, with a test double of payments over real gRPC."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.oneclick.v1.oneclick_pb2_grpc import (
    OneClickServiceStub,
    add_OneClickServiceServicer_to_server,
)
from libs import client, db, ids, services
from libs.clock import Clock
from libs.db import Database
from libs.payments import velocity
from libs.proofs import Proofs
from libs.seal import Seal
from libs.tasks import Tasks
from services.oneclick.deps import Deps
from services.oneclick.payments_client import Payments
from services.oneclick.rules import sessions
from services.oneclick.service import OneClick
from tests.kit import payments_double
from tests.kit.serving import begin_anew, serving
from tests.services.oneclick.world import World

NOTHING_DUE = """
DELETE FROM token_removals;
UPDATE charges SET due_at = NULL WHERE due_at IS NOT NULL;
UPDATE instruments SET due_at = NULL WHERE due_at IS NOT NULL"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("oneclick"), pool_size=8, service="oneclick")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def process(database: Database) -> AsyncIterator[tuple[World, Tasks]]:
    """The module's process, and the tasks of its calls."""
    double = payments_double.Payments()
    payments_server, target = await payments_double.serve(double)
    payments_channel = client.channel(target)
    keys = [Fernet.generate_key().decode()]
    deps = Deps(
        db=database,
        payments=Payments(payments_channel, Seal(keys)),
        clock=Clock(),
        client_secrets=Proofs(sessions.LABEL, keys),
        addresses=Proofs(velocity.LABEL, keys),
    )
    servicers = [(add_OneClickServiceServicer_to_server, OneClick(deps))]
    tasks = Tasks()
    async with serving(servicers, services.named("oneclick").full_names, tasks) as channel:
        yield World(deps, double, OneClickServiceStub(channel)), tasks
    await payments_channel.close()
    await payments_server.stop(1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(process: tuple[World, Tasks], database: Database) -> AsyncIterator[World]:
    """The test's own merchant in the module's database."""
    started, tasks = process
    yield replace(started, merchant_id=ids.new("mer"))
    await tasks.wait(1)
    begin_anew(started.payments)
    async with database.connection() as conn:  # workers claim every merchant's rows
        await conn.execute(NOTHING_DUE)


@pytest.fixture
def other(world: World) -> World:
    """Another merchant of the same process."""
    return World(world.deps, world.payments, world.stub)
