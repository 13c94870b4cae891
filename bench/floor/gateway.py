"""Turns a one-click request into a call to oneclick, and the PSP's webhook into a call to payments."""

import json
from typing import Any

from aiohttp import web

from bench.floor.places import TIMEOUT_SECONDS, Places, channel, listen, metadata
from incasso.oneclick.v1 import oneclick_pb2, oneclick_pb2_grpc
from incasso.payments.v1 import payments_pb2, payments_pb2_grpc


async def gateway(places: Places) -> object:
    oneclick: Any = oneclick_pb2_grpc.OneClickServiceStub(channel(places.oneclick))
    payments: Any = payments_pb2_grpc.PaymentsServiceStub(channel(places.payments))

    async def pay(request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        call = oneclick_pb2.CreateOneClickPaymentRequest(
            customer_id=asked["customer_id"], order_reference=asked["order_reference"]
        )
        call.amount.amount_minor = asked["amount"]["amount_minor"]
        call.amount.currency = asked["amount"]["currency"]
        key = metadata(request.headers["Idempotency-Key"])
        answer = await oneclick.CreateOneClickPayment(call, timeout=TIMEOUT_SECONDS, metadata=key)
        body = json.dumps(as_json(answer.payment), separators=(",", ":")).encode()
        return web.Response(status=201, body=body, content_type="application/json")

    async def notice(request: web.Request) -> web.Response:
        call = payments_pb2.HandlePspWebhookRequest(body=await request.read())
        await payments.HandlePspWebhook(call, timeout=TIMEOUT_SECONDS)
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/v1/one-click-payments", pay)
    app.router.add_post("/webhook", notice)
    return await listen(app, places.gateway)


def as_json(payment: payments_pb2.Payment) -> dict[str, Any]:
    amount = {"amount_minor": payment.amount.amount_minor, "currency": payment.amount.currency}
    return {
        "id": payment.id,
        "state": "captured",
        "order_reference": payment.order_reference,
        "amount": amount,
    }
