"""A NATS with a user per service: no service can publish another's events, or read those not meant for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Self

import nats
import nats.js.errors
import pytest
from nats.aio.client import Client

from libs import bus as buses
from libs.bus import STREAM, Bus, Event, inbox
from libs.bus_users import SETUP
from libs.consumer import Consumer
from libs.db import Database
from libs.services import MERCHANT_UPDATED, NAMES
from libs.tasks import cancel
from stack.nats import Nats, throw_away_nats
from tests.waiting import HANGING_SECONDS

CAPTURED = "incasso.payments.payment.captured"
UPDATED = "incasso.oneclick.customer.updated"


@pytest.fixture(scope="module")
def server():
    with throw_away_nats(NAMES) as started:
        yield started


@asynccontextmanager
async def connected(server: Nats, user: str) -> AsyncIterator[Bus]:
    bus = await buses.connect(server.user_url(user), service=user)
    yield bus
    await bus.close()


@pytest.fixture
async def streams(server: Nats, database: Database) -> AsyncIterator[Bus]:
    """The stream and paylink's consumer, as the set-up job creates them, for which handlers do not matter."""
    async with connected(server, SETUP) as setup:
        await buses.set_up(setup)
        handled = {CAPTURED: handle_nothing, UPDATED: handle_nothing}
        await Consumer("paylink", database, setup, handled).set_up()
        yield setup


async def handle_nothing(_conn, _event):
    pass


class Received:
    """A handler that keeps its events."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    async def __call__(self, _conn, event: Event) -> None:
        self.events.put_nowait(event)

    async def next(self) -> Event:
        return await asyncio.wait_for(self.events.get(), HANGING_SECONDS)


@asynccontextmanager
async def reading(server: Nats, database: Database, **handlers: Received) -> AsyncIterator[None]:
    async with connected(server, "paylink") as bus:
        by_subject = {CAPTURED: handlers["captured"], UPDATED: handlers["updated"]}
        task = asyncio.create_task(Consumer("paylink", database, bus, by_subject).run())
        yield
        await cancel([task])


def event(subject: str, event_id: str) -> Event:
    return Event(event_id, "mer_1", "pay_1", subject, b"body", "", datetime.now(UTC))


async def test_events_reach_the_service_that_consumes_them(server, database, streams):
    captured, updated = Received(), Received()
    async with reading(server, database, captured=captured, updated=updated):
        for service, subject in (("payments", CAPTURED), ("oneclick", UPDATED)):
            async with connected(server, service) as bus:
                await bus.publish(subject, b"body", event(subject, f"evt_{service}").headers(""))
        assert (await captured.next()).event_id == "evt_payments"
        assert (await updated.next()).event_id == "evt_oneclick"


async def test_a_forged_header_does_not_change_an_events_subject(server, database, streams):
    """oneclick may publish on its own subjects only; a header that claims another subject is ignored."""
    captured, updated = Received(), Received()
    forged = event(CAPTURED, "evt_forged").headers("")
    async with reading(server, database, captured=captured, updated=updated):
        async with connected(server, "oneclick") as bus:
            await bus.publish(UPDATED, b"body", forged)
        found = await updated.next()
    assert (found.event_id, found.subject) == ("evt_forged", UPDATED)
    assert captured.events.empty()


class Watched:
    """A bare connection that records the server's errors."""

    def __init__(self, server: Nats, user: str) -> None:
        self.url = server.user_url(user)
        self.user = user
        self.complaints: list[str] = []
        self.client = Client()

    async def __aenter__(self) -> Self:
        await self.client.connect(
            self.url, error_cb=self._complain, inbox_prefix=inbox(self.user).encode()
        )
        return self

    async def __aexit__(self, *_) -> None:
        await self.client.close()

    async def _complain(self, error: Exception) -> None:
        self.complaints.append(str(error).lower())

    async def may_publish(self, subject: str) -> bool:
        await self.client.publish(subject, b"{}")
        return not await self._refused()

    async def may_subscribe(self, subject: str) -> bool:
        await self.client.subscribe(subject)
        return not await self._refused()

    async def _refused(self) -> bool:
        for _ in range(2):  # the first ping may overtake data that is still buffered
            await self.client.flush()
        refused = any("permissions violation" in complaint for complaint in self.complaints)
        self.complaints.clear()
        return refused


@pytest.mark.parametrize(
    "subject",
    [
        CAPTURED,
        "incasso.paylink.payment_link.paid",
        "incasso.dead.paylink",
        "$JS.API.STREAM.DELETE.INCASSO",
        "$JS.API.STREAM.PURGE.INCASSO",
        "$JS.API.STREAM.UPDATE.INCASSO",
        "$JS.API.STREAM.MSG.GET.INCASSO",
        "$JS.API.STREAM.CREATE.OTHER",
        "$JS.API.DIRECT.GET.INCASSO",
        "$JS.API.CONSUMER.DURABLE.CREATE.INCASSO.oneclick",
        "$JS.API.CONSUMER.CREATE.INCASSO.oneclick",
        "$JS.API.CONSUMER.CREATE.INCASSO",
        "$JS.API.CONSUMER.DELETE.INCASSO.paylink",
        "$JS.API.CONSUMER.MSG.NEXT.INCASSO.paylink",
        "$JS.ACK.INCASSO.paylink.1.1.1.1.1",
        "_INBOX_paylink.x",
        "$SYS.REQ.SERVER.PING",
    ],
)
async def test_a_service_cannot_publish_to_foreign_subjects(server, streams, subject):
    before = (await streams.js.stream_info(STREAM)).state.messages
    async with Watched(server, "oneclick") as oneclick:
        assert not await oneclick.may_publish(subject)
    assert (await streams.js.stream_info(STREAM)).state.messages == before


@pytest.mark.parametrize(
    "subject", [CAPTURED, "incasso.>", ">", "_INBOX_paylink.>", "_INBOX.>", "$JS.EVENT.>"]
)
async def test_a_service_cannot_subscribe_to_foreign_subjects(server, streams, subject):
    async with Watched(server, "oneclick") as oneclick:
        assert not await oneclick.may_subscribe(subject)


async def test_a_service_can_publish_and_subscribe_where_it_needs_to(server, streams):
    async with Watched(server, "oneclick") as oneclick:
        assert await oneclick.may_publish("incasso.oneclick.customer.created")
        assert await oneclick.may_publish("incasso.dead.oneclick")
        assert not await oneclick.may_subscribe(MERCHANT_UPDATED)
    async with Watched(server, "paylink") as paylink:
        assert await paylink.may_subscribe(MERCHANT_UPDATED)


async def test_the_setup_user_cannot_publish_read_or_delete_events(server, streams):
    async with Watched(server, SETUP) as setup:
        assert not await setup.may_publish(CAPTURED)
        assert not await setup.may_subscribe("incasso.>")
        assert not await setup.may_publish("$JS.API.STREAM.DELETE.INCASSO")


@pytest.mark.parametrize("userinfo", ["", "oneclick:guess@", "oneclick@"])
async def test_connecting_requires_a_users_password(server, userinfo):
    client = Client()
    with pytest.raises(nats.errors.Error, match=r"(?i)authorization|no servers"):
        await client.connect(
            f"nats://{userinfo}127.0.0.1:{server.port}", allow_reconnect=False, error_cb=silent
        )
    if client._transport is not None:  # the client leaves it open
        client._transport.close()
        with suppress(ConnectionResetError):  # the server closed it first
            await client._transport.wait_closed()


async def silent(_):
    pass


def test_passwords_and_the_servers_configuration_are_private(server):
    files = list(server.secrets.iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert server.secrets.stat().st_mode & 0o777 == 0o700
    before = server.user_url("payments")
    server.configure(NAMES)
    assert server.user_url("payments") == before


async def test_set_up_fails_with_fewer_servers_than_replicas(streams: Bus):
    with pytest.raises(nats.js.errors.APIError, match="replicas"):
        await buses.set_up(streams, replicas=3)  # there is only one server
    await buses.set_up(streams, replicas=1)
