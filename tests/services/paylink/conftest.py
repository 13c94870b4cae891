"""paylink on a real PostgreSQL, with test doubles of the services it calls, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.paylink.v1 import pages_pb2_grpc, paylink_pb2_grpc
from libs import client, db, ids
from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from libs.payments import velocity
from libs.proofs import Proofs
from libs.seal import Seal
from libs.tasks import Tasks, cancel
from services.paylink.deps import Deps
from services.paylink.instalments_client import Instalments as InstalmentsClient
from services.paylink.link_listener import LinkListener
from services.paylink.oneclick_client import Customers
from services.paylink.payments_client import Payments
from services.paylink.rules.domain import Merchant
from services.paylink.service.links import PaymentLinks
from services.paylink.service.pages import PayPages
from services.paylink.store.links import CHANGED
from tests.kit import doubles
from tests.kit.instalments_double import Instalments
from tests.kit.serving import begin_anew, serving
from tests.services.paylink.shop_world import ShopWorld, open_shop_world
from tests.services.paylink.world import PUBLIC_URL, World

NOTHING_DUE = """
UPDATE link_payments SET due_at = NULL WHERE due_at IS NOT NULL;
UPDATE links SET due_at = NULL WHERE due_at IS NOT NULL"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def paylink_database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("paylink"), pool_size=12, service="paylink")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def process(paylink_database: Database) -> AsyncIterator[tuple[World, Tasks]]:
    """The module's process, and the background tasks of its calls."""
    merchants, oneclick, payments = doubles.Merchants(), doubles.OneClick(), doubles.Payments()
    instalments = Instalments()
    neighbours, target = await doubles.serve(merchants, oneclick, payments, instalments=instalments)
    neighbour = client.channel(target)
    link_listener = LinkListener(paylink_database, CHANGED)
    listening = asyncio.create_task(link_listener.run())
    seal = Seal([Fernet.generate_key().decode()])
    deps = Deps(
        db=paylink_database,
        clock=Clock(),
        seal=seal,
        addresses=Proofs(velocity.LABEL, [Fernet.generate_key().decode()]),
        public_url=PUBLIC_URL,
        merchants=Merchants(Merchant, neighbour),
        payments=Payments(neighbour, seal),
        instalments=InstalmentsClient(neighbour, seal),
        saved_cards=Customers(neighbour),
        link_listener=link_listener,
    )
    servicers = [
        (paylink_pb2_grpc.add_PaymentLinksServiceServicer_to_server, PaymentLinks(deps)),
        (pages_pb2_grpc.add_PayPagesServiceServicer_to_server, PayPages(deps)),
    ]
    tasks = Tasks()
    async with serving(servicers, [], tasks) as channel:
        stub = paylink_pb2_grpc.PaymentLinksServiceStub(channel)
        pages = pages_pb2_grpc.PayPagesServiceStub(channel)
        yield World(deps, merchants, oneclick, payments, instalments, stub, pages), tasks
    await cancel([listening])
    await neighbour.close()
    await neighbours.stop(1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(process: tuple[World, Tasks], paylink_database: Database) -> AsyncIterator[World]:
    """A merchant of the test's own in the module's database."""
    started, tasks = process
    yield replace(started, merchant_id=ids.new("mer"), offers={})
    await tasks.wait(1)
    begin_anew(started.merchants, started.oneclick, started.payments, started.instalments)
    async with paylink_database.connection() as conn:  # workers claim every merchant's rows
        await conn.execute(NOTHING_DUE)


@pytest.fixture
def other(world: World) -> World:
    """Another merchant of the same process."""
    return replace(world, merchant_id=ids.new("mer"), offset=timedelta(), offers={})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop_database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("paylink"), pool_size=8, service="paylink")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def shop_world(shop_database: Database) -> AsyncIterator[ShopWorld]:
    async with open_shop_world(shop_database) as opened:
        yield opened
