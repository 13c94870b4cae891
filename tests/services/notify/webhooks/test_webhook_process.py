"""The real process: events over NATS become webhooks, even if it dies halfway."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from standardwebhooks import Webhook

from incasso.notify.v1 import webhooks_pb2 as pb
from incasso.notify.v1.webhooks_pb2_grpc import WebhooksServiceStub
from incasso.payments.v1 import events_pb2, payments_pb2
from libs import bus as buses
from libs import client, context, ids
from libs.bus import Bus, Event
from tests.kit.connections import connected
from tests.kit.processes import Processes
from tests.services.notify.webhooks.hooks import CAPTURED, TRACEPARENT, Receiver
from tests.waiting import HANGING_SECONDS, until

MERCHANT = "mer_of_this_test"


@pytest.fixture
def environment(fresh_nats_url, free_port, new_database):
    nobody = f"127.0.0.1:{free_port()}"
    database = new_database("notify")
    return {
        **os.environ,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(free_port()),
        "INCASSO_NATS_URL": fresh_nats_url,
        "INCASSO_DATABASE_URL": database,
        "INCASSO_MERCHANTS_TARGET": nobody,
        "INCASSO_ONECLICK_TARGET": nobody,
        "INCASSO_PAYLINK_TARGET": nobody,
        "INCASSO_INSTALMENTS_TARGET": nobody,
        "INCASSO_COD_TARGET": nobody,
        "INCASSO_REPORTING_TARGET": nobody,
        "INCASSO_SEAL_KEYS": Fernet.generate_key().decode(),
        "INCASSO_PUBLIC_URL": "http://127.0.0.1:1",
        "INCASSO_SMTP_URL": f"smtp://{nobody}",
        "INCASSO_MAIL_FROM": "pay@incasso.example",
        "INCASSO_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8, ::1/128",
    }


@pytest.fixture
def processes(new_processes, environment) -> Processes:
    return new_processes("notify", environment)


@pytest.fixture
async def bus(environment) -> AsyncIterator[Bus]:
    connected = await buses.connect(environment["INCASSO_NATS_URL"], service="test")
    yield connected
    await connected.close()


async def endpoint_at(environment: dict[str, str], url: str) -> pb.WebhookEndpoint:
    context.set_current(context.Call(merchant_id=MERCHANT, actor="test"))
    target = f"127.0.0.1:{environment['INCASSO_GRPC_PORT']}"
    async with client.channel(target) as channel:
        create = WebhooksServiceStub(channel).CreateWebhookEndpoint
        request = pb.CreateWebhookEndpointRequest(url=url)
        answer = await client.call(create, request, timeout_seconds=HANGING_SECONDS)
    return answer.webhook_endpoint


async def publish(bus: Bus) -> str:
    payment = payments_pb2.Payment(id=ids.new("pay"), method="link")
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=MERCHANT,
        aggregate_id=payment.id,
        subject=CAPTURED,
        body=events_pb2.PaymentCaptured(payment=payment).SerializeToString(),
        traceparent=TRACEPARENT,
        occurred_at=datetime.now(UTC),
    )
    await bus.js.publish(CAPTURED, event.body, headers=event.headers(TRACEPARENT))
    return event.event_id


async def end_leases(environment: dict[str, str]) -> None:
    """Ends the dead process's leases, which would expire only after a minute."""
    async with connected(environment["INCASSO_DATABASE_URL"]) as conn:
        await conn.execute("UPDATE webhook_deliveries SET due_at = now() WHERE state = 'pending'")


async def test_webhooks_survive_the_death_of_the_process(
    environment, processes: Processes, bus: Bus, receiver: Receiver
):
    child = await processes.start()
    endpoint = await endpoint_at(environment, f"{receiver.url}/hook")

    never = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    receiver.answers["/hook"] = hang
    published = {await publish(bus) for _ in range(5)}
    await until(lambda: len(receiver.received) == 5)
    await child.end(signal.SIGKILL)
    published.add(await publish(bus))
    del receiver.answers["/hook"]
    receiver.received.clear()
    await end_leases(environment)
    child = await processes.start()
    await until(lambda: len(receiver.received) >= 6)
    assert await child.end() == 0  # it finishes what it has begun
    assert sorted(one.event_id for one in receiver.received) == sorted(published)
    for one in receiver.received:
        Webhook(endpoint.secret).verify(one.body, one.headers)


async def test_it_exits_cleanly_on_sigterm(environment, processes: Processes, receiver: Receiver):
    child = await processes.start()
    await endpoint_at(environment, f"{receiver.url}/hook")
    assert await child.end() == 0
