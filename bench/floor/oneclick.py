"""A charge as oneclick makes it: the intent, a call to payments, the outcome."""

from typing import Any

import grpc

from bench.floor.places import (
    BODY,
    HOST,
    TIMEOUT_SECONDS,
    Places,
    channel,
    key_of,
    metadata,
    new_id,
    pool,
)
from incasso.oneclick.v1 import oneclick_pb2, oneclick_pb2_grpc
from incasso.payments.v1 import payments_pb2, payments_pb2_grpc


class OneClick(oneclick_pb2_grpc.OneClickServiceServicer):
    """The intent, a call to payments, the outcome with the idempotency key's answer: two commits."""

    def __init__(self, places: Places, database: Any) -> None:
        self._database = database
        self._payments: Any = payments_pb2_grpc.PaymentsServiceStub(channel(places.payments))

    async def CreateOneClickPayment(self, request: Any, context: Any) -> Any:
        charge_id, key = new_id(), key_of(context)
        await self._begin(charge_id, key, request)
        call = payments_pb2.CreatePaymentRequest(order_reference=request.order_reference)
        call.amount.CopyFrom(request.amount)
        answer = await self._payments.CreatePayment(
            call, timeout=TIMEOUT_SECONDS, metadata=metadata(charge_id)
        )
        await self._database.fetchrow(
            "WITH charge AS (UPDATE charges SET state = 'captured'"
            " WHERE id = $1 AND state = 'asked' RETURNING id)"
            " UPDATE keys SET answer = $3 WHERE key = $2 RETURNING key",
            charge_id,
            key,
            answer.payment.SerializeToString(),
        )
        return oneclick_pb2.CreateOneClickPaymentResponse(payment=answer.payment)

    async def _begin(self, charge_id: str, key: str, request: Any) -> None:
        async with self._database.acquire() as conn, conn.transaction():
            await conn.fetchrow(
                "INSERT INTO keys (key) VALUES ($1) ON CONFLICT DO NOTHING RETURNING key", key
            )
            await conn.fetchrow(
                "SELECT body FROM customers WHERE id = $1 FOR UPDATE", request.customer_id
            )
            await conn.fetchrow(
                "INSERT INTO charges (id, customer_id, amount_minor, state, body)"
                " VALUES ($1, $2, $3, 'asked', $4) RETURNING id",
                charge_id,
                request.customer_id,
                request.amount.amount_minor,
                BODY,
            )


async def oneclick(places: Places) -> object:
    server = grpc.aio.server()
    servicer = OneClick(places, await pool(places))  # type: ignore[abstract] # it plays some of its RPCs
    oneclick_pb2_grpc.add_OneClickServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"{HOST}:{places.oneclick}")
    await server.start()
    return server
