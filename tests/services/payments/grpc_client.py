"""A gRPC client for a world."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import (
    PaymentsServiceStub,
    add_PaymentsServiceServicer_to_server,
)
from libs import client, context, services
from libs.errors import Kind, RemoteRefusal
from libs.server import Server
from libs.tasks import Tasks
from services.payments.service import Payments
from tests.waiting import HANGING_SECONDS

MERCHANT = "mer_1"
EUR_59_90 = money_pb2.Money(amount_minor=5990, currency="EUR")


class GrpcClient:
    """Calls RPCs by name."""

    def __init__(self, stub: Any, world: Any) -> None:
        self.stub = stub
        self.world = world
        self.calls = 0

    async def call(
        self,
        rpc: str,
        /,
        *,
        merchant: str = MERCHANT,
        actor: str = "key",
        key: str = "",
        message: dict[str, Any] | None = None,
        **fields,
    ) -> Any:
        """`message`: fields whose names are arguments of this method."""
        context.set_current(context.Call(merchant_id=merchant, actor=actor))
        request = getattr(pb, f"{rpc}Request")(**fields, **(message or {}))
        method = getattr(self.stub, rpc)
        try:
            return await client.call(
                method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
            )
        finally:
            context.set_current(context.Call())

    async def create(self, **fields) -> pb.Payment:
        self.calls += 1
        given = {
            "key": f"create-{self.calls}",
            "amount": EUR_59_90,
            "order_reference": f"A-{1000 + self.calls}",
            "method": "one_click",
            "instrument": pb.Instrument(
                instrument_id="ins_1",
                brand="visa",
                last4="4242",
                country="IT",
                tokens=[pb.InstrumentToken(psp_account="a", token="tok_a")],
            ),
            **fields,
        }
        return (await self.call("CreatePayment", **given)).payment

    async def refused(self, rpc: str, /, **fields) -> tuple[Kind, str]:
        with pytest.raises(RemoteRefusal) as caught:
            await self.call(rpc, **fields)
        return caught.value.kind, caught.value.reason


@asynccontextmanager
async def serving(world: Any) -> AsyncIterator[GrpcClient]:
    servicers = [(add_PaymentsServiceServicer_to_server, Payments(world.deps))]
    server = Server(servicers, services.named("payments").full_names, Tasks())
    port = await server.start("127.0.0.1:0")
    try:
        async with client.channel(f"127.0.0.1:{port}") as channel:
            yield GrpcClient(PaymentsServiceStub(channel), world)
    finally:
        await server.stop(1)


def routing(*names: str) -> pb.Routing:
    targets = [pb.RoutingTarget(psp_account=name, rank=rank) for rank, name in enumerate(names)]
    return pb.Routing(rules=[pb.RoutingRule(currencies=["EUR"], targets=targets)])
