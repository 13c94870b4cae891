"""cod on a real PostgreSQL, with its neighbours played by doubles over real gRPC."""

from collections.abc import AsyncIterator

import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.cod.v1.cod_pb2_grpc import (
    CodOffersServiceStub,
    add_CodOffersServiceServicer_to_server,
)
from libs import client, db, services
from libs.clock import Clock
from libs.db import Database
from libs.seal import Seal
from libs.server import Server
from libs.tasks import Tasks
from services.cod.deps import Deps
from services.cod.merchants_client import Merchants
from services.cod.service.offers import CodOffers
from tests.kit import doubles
from tests.services.cod.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("cod"), pool_size=8, service="cod")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database) -> AsyncIterator[World]:
    """A merchant of the test's own in the module's database."""
    played = doubles.Merchants()
    outside, target = await doubles.serve(
        played, doubles.OneClick(), doubles.Payments(), doubles.PayLinks()
    )
    merchants = client.channel(target)
    deps = Deps(
        db=database,
        clock=Clock(),
        merchants=Merchants(merchants),
        seal=Seal([Fernet.generate_key().decode()]),
    )
    server = Server(
        [(add_CodOffersServiceServicer_to_server, CodOffers(deps))],
        services.named("cod").full_names,
        Tasks(),
    )
    channel = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    yield World(deps, played, [CodOffersServiceStub(channel)])
    await channel.close()
    await server.stop(1)
    await merchants.close()
    await outside.stop(1)
