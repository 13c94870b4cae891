"""A merchant's view of one oneclick process, and the calls that tests make most often."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from incasso.oneclick.v1 import oneclick_pb2 as pb
from libs import client, context, ids, wire
from libs.clock import Clock
from libs.db import Database
from services.oneclick.deps import Deps
from tests.kit import payments_double
from tests.kit.payments_double import money
from tests.waiting import HANGING_SECONDS


@dataclass
class World:
    """One oneclick process with its neighbours. `call` calls it by gRPC."""

    deps: Deps
    payments: payments_double.Payments
    stub: Any
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    publishable: bool = False
    offset: timedelta = timedelta()

    @property
    def db(self) -> Database:
        return self.deps.db

    def act(self, key: str = "") -> None:
        context.set_current(
            context.Call(
                merchant_id=self.merchant_id,
                actor="test",
                idempotency_key=key,
                clock_offset_seconds=int(self.offset.total_seconds()),
                publishable=self.publishable,
            )
        )

    async def call(self, name: str, request: Any, *, key: str = "") -> Any:
        self.act()
        method = getattr(self.stub, name)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def customer(self, **contact: Any) -> str:
        request = pb.CreateCustomerRequest(**(contact or {"email": "giulia@example.com"}))
        answer = await self.call("CreateCustomer", request)
        return answer.customer.id

    def attach_request(self, customer_id: str, token: str = "tok_visa", **more: Any) -> Any:
        request = pb.AttachInstrumentRequest(
            customer_id=customer_id, psp_account="sandbox-a", token=token, **more
        )
        request.consent.text_version = "2026-11"
        request.consent.accepted_at.CopyFrom(wire.timestamp(Clock().now()))
        request.consent.ip = "203.0.113.7"
        return request

    async def attach(self, customer_id: str, token: str = "tok_visa", **more: Any) -> Any:
        request = self.attach_request(customer_id, token, **more)
        return (await self.call("AttachInstrument", request)).instrument

    async def shopper(self) -> str:
        """A customer with a card."""
        customer_id = await self.customer()
        await self.attach(customer_id)
        return customer_id

    def charge_request(self, customer_id: str, amount_minor: int = 5990, **more: Any) -> Any:
        return pb.CreateOneClickPaymentRequest(
            customer_id=customer_id,
            amount=money(amount_minor, more.pop("currency", "EUR")),
            order_reference=more.pop("order_reference", "A-1001"),
            **more,
        )

    async def charge(
        self, customer_id: str, amount_minor: int = 5990, *, key: str = "", **more: Any
    ) -> Any:
        request = self.charge_request(customer_id, amount_minor, **more)
        answer = await self.call("CreateOneClickPayment", request, key=key or ids.new("key"))
        return answer.payment

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.connection() as conn:
            return await conn.fetch(sql, *args)

    async def value(self, sql: str, *args: Any) -> Any:
        async with self.db.connection() as conn:
            return await conn.fetchval(sql, *args)

    async def charges(self) -> list[Any]:
        return await self.rows(
            "SELECT * FROM charges WHERE merchant_id = $1 ORDER BY id", self.merchant_id
        )

    async def make_due(self, table: str) -> None:
        async with self.db.connection() as conn:
            await conn.execute(
                f"UPDATE {table} SET due_at = now() WHERE due_at IS NOT NULL AND merchant_id = $1",
                self.merchant_id,
            )

    async def raise_limits(self) -> None:
        request = pb.UpdatePolicyRequest(
            max_charge_minor=10**9, max_daily_minor=10**10, max_hourly_charges=10_000
        )
        await self.call("UpdatePolicy", request)
