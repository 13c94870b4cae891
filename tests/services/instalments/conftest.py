"""instalments on a real PostgreSQL, with test doubles for its neighbours over real gRPC."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.instalments.v1.instalments_pb2_grpc import (
    InstalmentOffersServiceStub,
    add_InstalmentOffersServiceServicer_to_server,
)
from incasso.instalments.v1.pages_pb2_grpc import (
    InstalmentPagesServiceStub,
    add_InstalmentPagesServiceServicer_to_server,
)
from incasso.instalments.v1.plans_pb2_grpc import (
    InstalmentPlansServiceStub,
    add_InstalmentPlansServiceServicer_to_server,
)
from libs import client, db, ids, services
from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from libs.seal import Seal
from libs.tasks import Tasks
from services.instalments.deps import Deps
from services.instalments.oneclick_client import Cards
from services.instalments.paylink_client import Links
from services.instalments.payments_client import Payments
from services.instalments.rules.merchants import Merchant
from services.instalments.service.offers import InstalmentOffers
from services.instalments.service.pages import InstalmentPages
from services.instalments.service.plans import InstalmentPlans
from tests.kit import doubles
from tests.kit.row_snapshots import Snapshots
from tests.kit.serving import begin_anew, serving
from tests.services.instalments import published_books
from tests.services.instalments.world import World

# Shared by all merchants, since rows copied from another merchant stay sealed.
SEAL_KEYS = [Fernet.generate_key().decode()]
DUE = ("collections", "repayments", "plans", "part_links", "instalments")
NOTHING_DUE = "; ".join(
    [
        "DELETE FROM plan_reminders",
        *(f"UPDATE {table} SET due_at = NULL WHERE due_at IS NOT NULL" for table in DUE),
    ]
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(
        new_module_database("instalments"), pool_size=8, service="instalments"
    )
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def beginnings(database: Database) -> Snapshots:
    return Snapshots(database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def process(database: Database, beginnings: Snapshots) -> AsyncIterator[tuple[World, Tasks]]:
    """The module's process, and the tasks of its calls."""
    played = doubles.Merchants(), doubles.OneClick(), doubles.Payments(), doubles.PayLinks()
    outside, target = await doubles.serve(*played)
    merchants = client.channel(target)
    seal = Seal(SEAL_KEYS)
    deps = Deps(
        db=database,
        clock=Clock(),
        merchants=Merchants(Merchant, merchants),
        saved_cards=Cards(merchants),
        payments=Payments(merchants, seal),
        links=Links(merchants),
        seal=seal,
        public_url="https://pay.example",
    )
    servicers = [
        (add_InstalmentOffersServiceServicer_to_server, InstalmentOffers(deps)),
        (add_InstalmentPlansServiceServicer_to_server, InstalmentPlans(deps)),
        (add_InstalmentPagesServiceServicer_to_server, InstalmentPages(deps)),
    ]
    tasks = Tasks()
    async with serving(servicers, services.named("instalments").full_names, tasks) as channel:
        stubs = [
            InstalmentOffersServiceStub(channel),
            InstalmentPlansServiceStub(channel),
            InstalmentPagesServiceStub(channel),
        ]
        yield World(deps, played[2], played[1], played[3], stubs, beginnings), tasks
    await merchants.close()
    await outside.stop(1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(process: tuple[World, Tasks], database: Database) -> AsyncIterator[World]:
    """A merchant of the test's own in the module's database."""
    started, tasks = process
    world = replace(started, merchant_id=ids.new("mer"))
    yield world
    await tasks.wait(1)
    if not world.has_copies:
        await published_books.check(database, world.merchant_id)
    begin_anew(world.payments, world.oneclick, world.paylink)
    async with database.connection() as conn:  # workers take every merchant's rows
        await conn.execute(NOTHING_DUE)
