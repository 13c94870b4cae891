"""notify's messages on a real PostgreSQL, a real SMTP server, and doubles of its neighbours."""

from collections.abc import AsyncIterator

import aiohttp
import grpc
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from incasso.notify.v1.messages_pb2_grpc import (
    MessagesServiceStub,
    add_MessagesServiceServicer_to_server,
)
from libs import client, db, services
from libs.db import Database
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
from services.notify.messages.providers.twilio import Account, Twilio
from services.notify.messages.reporting_client import Reports
from services.notify.messages.rules.bounces import ReturnAddresses
from services.notify.messages.rules.domain import Channel, Merchant
from services.notify.messages.rules.senders import Sender
from services.notify.messages.smtp_client import Mailer, Timeouts
from services.notify.messages.smtp_client import Server as MailAddress
from services.notify.service import messages
from services.notify.webhooks.guard import Guard
from services.notify.webhooks.receivers_client import Receivers
from tests.kit.serving import begin_anew
from tests.services.notify.messages import neighbours, sms_double
from tests.services.notify.messages.mail_double import MailServer
from tests.services.notify.messages.sms_double import SmsApi
from tests.services.notify.messages.world import Time, World

# Referencing tables before the tables they reference.
EMPTIED = ("due_messages", "message_attempts", "provider_notices", "suppressions", "messages")
KEYS = (Fernet.generate_key().decode(), Fernet.generate_key().decode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("notify"), pool_size=8, service="notify")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def mail() -> AsyncIterator[MailServer]:
    server = MailServer()
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def sms() -> AsyncIterator[SmsApi]:
    api = SmsApi()
    await api.start()
    yield api
    await api.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served_neighbours() -> AsyncIterator[tuple[neighbours.Neighbours, grpc.aio.Channel]]:
    double = neighbours.Neighbours()
    server, target = await neighbours.serve(double)
    channel = client.channel(target)
    yield double, channel
    await channel.close()
    await server.stop(1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    database: Database, mail: MailServer, sms: SmsApi, served_neighbours
) -> AsyncIterator[World]:
    """A merchant of the test's own; afterwards all messages are deleted from the module's database."""
    double, to_neighbours = served_neighbours
    session = aiohttp.ClientSession()
    time = Time()
    account = Account(
        sid=sms_double.ACCOUNT,
        auth_token=sms_double.TOKEN,
        senders={
            Channel.SMS: Sender("+390200000000", "Incasso", ("+41",)),
            Channel.WHATSAPP: Sender("+390200000001"),
        },
        api_base=sms.base,
        public_url="https://pay.example",
    )
    deps = Deps(
        db=database,
        merchants=Merchants(Merchant, to_neighbours),
        members=Members(to_neighbours),
        customers=Customers(to_neighbours),
        links=Links(to_neighbours),
        plans=Plans(to_neighbours),
        cod_orders=CodOrders(to_neighbours),
        reports=Reports(to_neighbours),
        mailer=Mailer(
            MailAddress("smtp", "127.0.0.1", mail.port), timeouts=Timeouts(command=2, data=1)
        ),
        return_addresses=ReturnAddresses("bounces.example", KEYS),
        mail_from="pay@incasso.example",
        public_url="https://pay.example",
        providers={"twilio": Twilio(account, session)},
        seal=Seal(KEYS),
        guard=Guard(),
        receivers=Receivers(Guard()),
        now=time.now,
    )
    server = Server(
        [(add_MessagesServiceServicer_to_server, messages.Messages(deps))],
        services.named("notify").full_names,
        Tasks(),
    )
    port = await server.start("127.0.0.1:0")
    channel = client.channel(f"ipv4:127.0.0.1:{port}")
    yield World(deps, double, mail, sms, MessagesServiceStub(channel), time)
    await channel.close()
    await server.stop(1)
    await deps.mailer.close()
    await deps.receivers.close()
    await session.close()
    begin_anew(double)
    async with database.connection() as conn:  # workers claim every merchant's rows
        await conn.execute("; ".join(f"DELETE FROM {table}" for table in EMPTIED))


@pytest.fixture
def other(world: World) -> World:
    """Another merchant of the same process."""
    return World(world.deps, world.neighbours, world.mail, world.sms, world.stub, world.time)
