"""oneclick on a real PostgreSQL, with payments played by a double over real gRPC."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.oneclick.v1.oneclick_pb2_grpc import (
    OneClickServiceStub,
    add_OneClickServiceServicer_to_server,
)
from libs import client, db, services
from libs.clock import Clock
from libs.db import Database
from libs.payments import velocity
from libs.proofs import Proofs
from libs.seal import Seal
from libs.server import Server
from libs.tasks import Tasks
from services.oneclick.deps import Deps
from services.oneclick.payments_client import Payments
from services.oneclick.rules import sessions
from services.oneclick.service import OneClick
from tests.kit import payments_double
from tests.services.oneclick.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("oneclick"), pool_size=8, service="oneclick")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database) -> AsyncIterator[World]:
    """A merchant of the test's own in the module's database."""
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
    server = Server(
        [(add_OneClickServiceServicer_to_server, OneClick(deps))],
        services.named("oneclick").full_names,
        Tasks(),
    )
    port = await server.start("127.0.0.1:0")
    channel = client.channel(f"ipv4:127.0.0.1:{port}")
    yield World(deps, double, OneClickServiceStub(channel))
    await channel.close()
    await server.stop(1)
    async with database.connection() as conn:  # workers take every merchant's rows
        await conn.execute("DELETE FROM token_removals")
        await conn.execute("UPDATE charges SET due_at = NULL")
        await conn.execute("UPDATE instruments SET due_at = NULL")
    await payments_channel.close()
    await payments_server.stop(1)


@pytest.fixture
def other(world: World) -> World:
    """Another merchant at the same process."""
    return World(world.deps, world.payments, world.stub)
