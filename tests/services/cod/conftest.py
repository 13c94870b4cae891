"""cod on a real PostgreSQL, with test doubles for its neighbours over real gRPC."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.cod.v1.cod_pb2_grpc import (
    CodOffersServiceStub,
    add_CodOffersServiceServicer_to_server,
)
from incasso.cod.v1.files_pb2_grpc import CodFilesServiceStub, add_CodFilesServiceServicer_to_server
from incasso.cod.v1.orders_pb2_grpc import (
    CodOrdersServiceStub,
    add_CodOrdersServiceServicer_to_server,
)
from incasso.cod.v1.pages_pb2_grpc import (
    CodPagesServiceStub,
    add_CodPagesServiceServicer_to_server,
)
from incasso.cod.v1.refunds_pb2_grpc import (
    CodRefundsServiceStub,
    add_CodRefundsServiceServicer_to_server,
)
from incasso.cod.v1.remittances_pb2_grpc import (
    CodRemittancesServiceStub,
    add_CodRemittancesServiceServicer_to_server,
)
from libs import client, db, ids, services
from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from libs.proofs import Proofs
from libs.seal import Seal
from libs.tasks import Tasks
from services.cod.deps import Deps
from services.cod.paylink_client import Links
from services.cod.payments_client import Payments
from services.cod.rules.merchants import Merchant
from services.cod.service.files import CodFiles
from services.cod.service.offers import CodOffers
from services.cod.service.orders import CodOrders
from services.cod.service.pages import CodPages
from services.cod.service.refunds import CodRefunds
from services.cod.service.remittances import CodRemittances
from tests.kit import doubles
from tests.kit.serving import begin_anew, serving
from tests.services.cod.orders import Shop
from tests.services.cod.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("cod"), pool_size=8, service="cod")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def process(database: Database) -> AsyncIterator[tuple[World, Tasks]]:
    """The module's process, and the tasks of its calls."""
    played, paylink, payments = doubles.Merchants(), doubles.PayLinks(), doubles.Payments()
    outside, target = await doubles.serve(played, doubles.OneClick(), payments, paylink)
    neighbours = client.channel(target)
    keys = [Fernet.generate_key().decode()]
    deps = Deps(
        db=database,
        clock=Clock(),
        merchants=Merchants(Merchant, neighbours),
        links=Links(neighbours),
        payments=Payments(neighbours),
        seal=Seal(keys),
        codes=Proofs("cod codes", keys),
        marks=Proofs("cod recipients", keys),
        public_url="https://pay.example",
    )
    servicers = [
        (add_CodOffersServiceServicer_to_server, CodOffers(deps)),
        (add_CodOrdersServiceServicer_to_server, CodOrders(deps)),
        (add_CodPagesServiceServicer_to_server, CodPages(deps)),
        (add_CodRefundsServiceServicer_to_server, CodRefunds(deps)),
        (add_CodRemittancesServiceServicer_to_server, CodRemittances(deps)),
        (add_CodFilesServiceServicer_to_server, CodFiles(deps)),
    ]
    tasks = Tasks()
    async with serving(servicers, services.named("cod").full_names, tasks) as channel:
        stubs = [
            CodOffersServiceStub(channel),
            CodOrdersServiceStub(channel),
            CodPagesServiceStub(channel),
            CodRefundsServiceStub(channel),
            CodRemittancesServiceStub(channel),
            CodFilesServiceStub(channel),
        ]
        yield World(deps, played, stubs, paylink, payments), tasks
    await neighbours.close()
    await outside.stop(1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(process: tuple[World, Tasks]) -> AsyncIterator[World]:
    """A merchant of the test's own in the module's database."""
    started, tasks = process
    yield replace(started, merchant_id=ids.new("mer"))
    await tasks.wait(1)
    begin_anew(started.merchants, started.paylink, started.payments)


@pytest_asyncio.fixture(loop_scope="session")
async def shop(world: World) -> Shop:
    return Shop(world, (await world.courier()).id)


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(world: World) -> Shop:
    """Another merchant of the same process."""
    other = replace(world, merchant_id=ids.new("mer"))
    return Shop(other, (await other.courier()).id)
