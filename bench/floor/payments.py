"""A payment: the intent, the PSP, the outcome with its event; the PSP's webhook; the relay."""

import asyncio
import json
from typing import Any, Final

import aiohttp
import asyncpg
import grpc
import nats

from bench.floor.places import BODY, HOST, STREAM, SUBJECT, Places, key_of, new_id, pool
from incasso.payments.v1 import payments_pb2, payments_pb2_grpc

PACE_SECONDS: Final = 0.1  # as libs/relay.py
BATCH: Final = 500
# As long as the real ones.
CUSTOMER: Final = "c" * 20
TRACE: Final = "0" * 32
TRACEPARENT: Final = "0" * 55


class Payments(payments_pb2_grpc.PaymentsServiceServicer):
    """The intent, the call to the PSP, the outcome with its event and the idempotency key's answer: two
    commits. Then the PSP's webhook, which is stored.
    """

    def __init__(self, places: Places, database: Any, http: aiohttp.ClientSession) -> None:
        self._psp = f"http://{HOST}:{places.psp}/charges"
        self._database = database
        self._http = http

    async def CreatePayment(self, request: Any, context: Any) -> Any:
        payment_id, attempt_id, key = new_id(), new_id(), key_of(context)
        await self._begin(payment_id, attempt_id, key, request)
        await self._ask(payment_id, attempt_id, request)
        payment = payments_pb2.Payment(
            id=payment_id,
            order_reference=request.order_reference,
            customer_id=CUSTOMER,
            trace_id=TRACE,
        )
        payment.amount.CopyFrom(request.amount)
        answer = payments_pb2.CreatePaymentResponse(payment=payment)
        await self._record(payment_id, attempt_id, key, answer.SerializeToString())
        return answer

    async def _begin(self, payment_id: str, attempt_id: str, key: str, request: Any) -> None:
        await self._database.fetchrow(
            "WITH key AS (INSERT INTO keys (key) VALUES ($1) RETURNING key), payment AS ("
            " INSERT INTO payments (id, order_reference, amount_minor, state, body)"
            " VALUES ($2, $3, $4, 'processing', $5) RETURNING id)"
            " INSERT INTO attempts (id, payment_id, state, due_at)"
            " VALUES ($6, $2, 'started', now()) RETURNING id",
            key,
            payment_id,
            request.order_reference,
            request.amount.amount_minor,
            BODY,
            attempt_id,
        )

    async def _ask(self, payment_id: str, attempt_id: str, request: Any) -> None:
        body = {
            "amount_minor": request.amount.amount_minor,
            "currency": request.amount.currency,
            "token": "tok_visa",
            "reference": payment_id,
        }
        headers = {"Authorization": "Bearer floor", "Idempotency-Key": attempt_id}
        async with self._http.post(self._psp, json=body, headers=headers) as response:
            json.loads(await response.read())

    async def _record(self, payment_id: str, attempt_id: str, key: str, answer: bytes) -> None:
        await self._database.fetchrow(
            "WITH attempt AS (UPDATE attempts SET state = 'approved', due_at = NULL"
            " WHERE id = $1 AND state = 'started' RETURNING id),"
            " payment AS (UPDATE payments SET state = 'captured' WHERE id = $2 RETURNING id),"
            " event AS (INSERT INTO outbox (id, body) VALUES ($2, $3) RETURNING id),"
            " woken AS (SELECT pg_notify('outbox', ''))"
            " UPDATE keys SET answer = $3 FROM woken WHERE key = $4 RETURNING key",
            attempt_id,
            payment_id,
            answer,
            key,
        )

    async def HandlePspWebhook(self, request: Any, context: Any) -> Any:
        await self._database.execute(
            "INSERT INTO inbox (id, body) VALUES ($1, $2)", new_id(), request.body
        )
        return payments_pb2.HandlePspWebhookResponse()


async def payments(places: Places) -> object:
    server = grpc.aio.server()
    servicer = Payments(places, await pool(places), aiohttp.ClientSession())  # type: ignore[abstract] # it plays some of its RPCs
    payments_pb2_grpc.add_PaymentsServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"{HOST}:{places.payments}")
    await server.start()
    stream = (await nats.connect(places.nats)).jetstream()
    await stream.add_stream(name=STREAM, subjects=[SUBJECT])
    return server, asyncio.create_task(relay(places, stream))


async def relay(places: Places, stream: Any) -> None:
    """Publishes the outbox whenever a notification announces new rows."""
    woken = asyncio.Event()
    conn: Any = await asyncpg.connect(places.database)
    await conn.add_listener("outbox", lambda *_: woken.set())
    while await woken.wait():
        woken.clear()
        while rows := await conn.fetch(
            "SELECT id, body FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1", BATCH
        ):
            await asyncio.gather(*(publish(stream, row["id"], row["body"]) for row in rows))
            ids = [row["id"] for row in rows]
            await conn.execute("UPDATE outbox SET published_at = now() WHERE id = ANY($1)", ids)
        await asyncio.sleep(PACE_SECONDS)


async def publish(stream: Any, event_id: str, body: bytes) -> None:
    headers = {"Nats-Msg-Id": event_id, "traceparent": TRACEPARENT}
    await stream.publish(SUBJECT, body, headers=headers)
