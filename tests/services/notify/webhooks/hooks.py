"""A merchant's view of the webhooks of one notify process, and the merchant's receiver."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from incasso.notify.v1 import webhooks_pb2 as pb
from incasso.payments.v1 import events_pb2, payments_pb2
from libs import client, context, ids, wire
from libs.bus import Event
from services.notify.deps import Deps
from services.notify.webhooks import worker
from services.notify.webhooks.worker import DeliveryWorker
from tests.waiting import HANGING_SECONDS

CAPTURED = "incasso.payments.payment.captured"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
LONG_AGO = wire.timestamp(datetime(2020, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """A shop's server. `answers` has its handlers by path; other paths answer 204."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, Answer] = {}
        self.url = ""

    def answer(self, path: str, status: int, *, text: str = "", **headers: str) -> None:
        async def handle(_: web.Request) -> web.Response:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.Response(status=status, text=text, headers=named)

        self.answers[path] = handle

    def at(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.path, headers, await request.read()))
        if request.path in self.answers:
            return await self.answers[request.path](request)
        return web.Response(status=204)


class Time:
    """Real time, which a test can move ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Hooks:
    """`call` makes a gRPC call as the merchant; `send` runs the worker once."""

    deps: Deps
    stub: Any
    receiver: Receiver
    time: Time
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    scopes: frozenset[str] = frozenset({"*"})  # of the merchant's key

    async def call(self, name: str, *, key: str = "", **fields: Any) -> Any:
        context.set_current(
            context.Call(merchant_id=self.merchant_id, actor="key_1", scopes=self.scopes)
        )
        request = getattr(pb, f"{name}Request")(**fields)
        return await client.call(
            getattr(self.stub, name), request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def endpoint(self, path: str = "/hook", **fields: Any) -> pb.WebhookEndpoint:
        answer = await self.call(
            "CreateWebhookEndpoint", url=f"{self.receiver.url}{path}", **fields
        )
        return answer.webhook_endpoint

    async def seen(self, endpoint: pb.WebhookEndpoint) -> pb.WebhookEndpoint:
        answer = await self.call("GetWebhookEndpoint", webhook_endpoint_id=endpoint.id)
        return answer.webhook_endpoint

    async def happen(
        self, subject: str = CAPTURED, body: bytes | None = None, *, event_id: str = ""
    ) -> str:
        """Handles an event as if it came over the bus; returns its id."""
        if body is None:
            payment = payments_pb2.Payment(id=ids.new("pay"), order_reference="A-1001 · è")
            body = events_pb2.PaymentCaptured(
                payment=payment, amount_minor=5990
            ).SerializeToString()
        event = Event(
            event_id=event_id or ids.new("evt"),
            merchant_id=self.merchant_id,
            aggregate_id="pay_1",
            subject=subject,
            body=body,
            traceparent=TRACEPARENT,
            occurred_at=datetime.now(UTC),
        )
        async with self.deps.db.transaction() as conn:
            await worker.handlers(self.deps)[subject](conn, event)
        return event.event_id

    async def send(self) -> int:
        """Runs the worker once; returns the number of attempts."""
        worker = DeliveryWorker(self.deps)
        started = await worker.start_due()
        await worker.finish()
        return started

    async def make_due(self) -> None:
        """Makes every pending delivery due."""
        await self.sql("UPDATE webhook_deliveries SET due_at = now() WHERE state = 'pending'")

    async def sql(self, statement: str, *args: object) -> None:
        async with self.deps.db.connection() as conn:
            await conn.execute(statement, *args)

    async def deliveries(self, endpoint: pb.WebhookEndpoint, **fields: Any) -> list[Any]:
        answer = await self.call("ListWebhookDeliveries", webhook_endpoint_id=endpoint.id, **fields)
        return list(answer.data)

    async def delivery(self, endpoint: pb.WebhookEndpoint) -> pb.WebhookDelivery:
        """The endpoint's only delivery."""
        (found,) = await self.deliveries(endpoint)
        return found
