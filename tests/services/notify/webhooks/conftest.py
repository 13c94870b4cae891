"""Webhooks on a real PostgreSQL behind a real gRPC port, sent to a real HTTP server."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
import pytest_asyncio
from aiohttp import ClientTimeout, web
from cryptography.fernet import Fernet

from incasso.notify.v1.webhooks_pb2_grpc import (
    WebhooksServiceStub,
    add_WebhooksServiceServicer_to_server,
)
from libs import client, db, services
from libs.merchants import Merchants
from libs.seal import Seal
from libs.server import Server
from libs.tasks import Tasks
from services.notify.deps import Deps
from services.notify.messages.cod_client import CodOrders
from services.notify.messages.instalments_client import Plans
from services.notify.messages.members_client import Members
from services.notify.messages.oneclick_client import Customers
from services.notify.messages.paylink_client import Links
from services.notify.messages.reporting_client import Reports
from services.notify.messages.rules.bounces import ReturnAddresses
from services.notify.messages.rules.domain import Merchant
from services.notify.messages.smtp_client import Mailer
from services.notify.messages.smtp_client import Server as MailAddress
from services.notify.service.webhooks import Webhooks
from services.notify.webhooks.guard import Guard
from services.notify.webhooks.receivers_client import Receivers
from tests.kit.database_reset import DatabaseReset
from tests.services.notify.webhooks.hooks import Hooks, Receiver, Time
from tests.waiting import HANGING_SECONDS


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def patience() -> float:
    """The timeout of an attempt in seconds: ample, except in tests of the timeout itself."""
    return HANGING_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def emptied(new_module_database) -> AsyncIterator[DatabaseReset]:
    database = await db.connect(new_module_database("notify"), pool_size=8, service="notify")
    yield DatabaseReset(database)
    await database.close()


@pytest_asyncio.fixture(loop_scope="session")
async def hooks(
    emptied: DatabaseReset, receiver: Receiver, patience: float
) -> AsyncIterator[Hooks]:
    database = await emptied.empty()
    time = Time()
    guard = Guard([ip_network("127.0.0.0/8")])
    keys = [Fernet.generate_key().decode()]
    nobody = client.channel("ipv4:127.0.0.1:1")  # webhooks call no other service and send no mail
    deps = Deps(
        db=database,
        merchants=Merchants(Merchant, nobody),
        customers=Customers(nobody),
        links=Links(nobody),
        plans=Plans(nobody),
        members=Members(nobody),
        cod_orders=CodOrders(nobody),
        reports=Reports(nobody),
        mailer=Mailer(MailAddress("smtp", "127.0.0.1", 1)),
        return_addresses=ReturnAddresses("", keys),
        mail_from="pay@incasso.example",
        public_url="https://pay.example",
        providers={},
        seal=Seal(keys),
        guard=guard,
        receivers=Receivers(guard, ClientTimeout(total=patience)),
        now=time,
    )
    server = Server(
        [(add_WebhooksServiceServicer_to_server, Webhooks(deps))],
        services.named("notify").full_names,
        Tasks(),
    )
    channel = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    yield Hooks(deps, WebhooksServiceStub(channel), receiver, time)
    await deps.sending.wait(5)
    await deps.receivers.close()
    await channel.close()
    await nobody.close()
    await server.stop(1)


@pytest.fixture
def other(hooks: Hooks) -> Hooks:
    """Another merchant of the same process."""
    return Hooks(hooks.deps, hooks.stub, hooks.receiver, hooks.time)
