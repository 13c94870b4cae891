"""A merchant's view of one process of cash on delivery."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from incasso.cod.v1 import cod_pb2 as pb
from incasso.cod.v1 import files_pb2, orders_pb2, pages_pb2, refunds_pb2, remittances_pb2
from incasso.common.v1.offer_pb2 import CodOffer, Offer
from libs import client, context, ids
from libs.bus import Event
from services.cod import worker
from services.cod.deps import Deps
from tests.kit import doubles
from tests.services.cod.couriers import gls
from tests.waiting import HANGING_SECONDS


@dataclass
class World:
    """Calls RPCs by name as one merchant."""

    deps: Deps
    merchants: doubles.Merchants
    stubs: Sequence[Any]
    paylink: doubles.PayLinks = field(default_factory=doubles.PayLinks)
    payments: doubles.Payments = field(default_factory=doubles.Payments)
    contracts: Sequence[Any] = (
        pb,
        orders_pb2,
        pages_pb2,
        refunds_pb2,
        remittances_pb2,
        files_pb2,
    )
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    ahead: timedelta = timedelta()

    def act(self) -> None:
        seconds = int(self.ahead.total_seconds())
        context.set_current(
            context.Call(merchant_id=self.merchant_id, actor="key_1", clock_offset_seconds=seconds)
        )

    async def call(self, rpc: str, *, key: str = "", **fields: Any) -> Any:
        self.act()
        name = f"{rpc}Request"
        kind = next(getattr(one, name) for one in self.contracts if hasattr(one, name))
        request = kind(**fields)
        method = next(getattr(stub, rpc) for stub in self.stubs if hasattr(stub, rpc))
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def deliver(self, event: Event) -> None:
        """Handles an event like the consumer, which does not know the merchant's clock."""
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="cod"))
        async with self.deps.db.transaction() as tx:
            await worker.handlers(self.deps)[event.subject](tx, event)

    async def courier(self, *, key: str = "", **more: Any) -> pb.Courier:
        """Like GLS, unless `more` says otherwise."""
        return (await self.call("CreateCourier", key=key, terms=gls(**more))).courier

    async def offers(self, amount_minor: int = 160_00, **more: Any) -> Sequence[CodOffer]:
        fields = {"amount_minor": amount_minor, "currency": "EUR", **more}
        return (await self.call("ListCodOffers", **fields)).data

    async def offer(self, amount_minor: int = 160_00, **cart: Any) -> Offer:
        """The offer for checkout-options."""
        amount = {"amount_minor": amount_minor, "currency": "EUR"}
        return (await self.call("GetOffer", cart={"amount": amount, **cart})).offer

    async def settings(self, **changes: Any) -> pb.CodSettings:
        return (await self.call("UpdateCodSettings", **changes)).settings

    async def published(self) -> Sequence[str]:
        """Subjects of this merchant's events, in order."""
        async with self.deps.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT subject FROM outbox WHERE merchant_id = $1 ORDER BY event_id",
                self.merchant_id,
            )
        return [row["subject"].removeprefix("incasso.cod.") for row in rows]
