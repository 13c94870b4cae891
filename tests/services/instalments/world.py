"""A merchant's view of one instalments process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from incasso.common.v1.offer_pb2 import InstalmentOffer
from incasso.instalments.v1 import instalments_pb2 as pb
from libs import client, context, ids
from services.instalments.deps import Deps


@dataclass
class World:
    """Calls RPCs by name as one merchant."""

    deps: Deps
    stub: Any
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    ahead: timedelta = timedelta()

    def act(self) -> None:
        seconds = int(self.ahead.total_seconds())
        context.set_current(
            context.Call(merchant_id=self.merchant_id, actor="test", clock_offset_seconds=seconds)
        )

    async def call(self, rpc: str, *, key: str = "", **fields: Any) -> Any:
        self.act()
        request, method = getattr(pb, f"{rpc}Request")(**fields), getattr(self.stub, rpc)
        return await client.call(method, request, timeout_seconds=20, idempotency_key=key)

    async def terms(self, **more: Any) -> pb.InstalmentTerms:
        """Three payments a month apart unless `more` says otherwise."""
        fields = {
            "name": "Three payments",
            "currency": "EUR",
            "payments": 3,
            "every": {"unit": "UNIT_MONTH", "n": 1},
            **more,
        }
        return (await self.call("CreateInstalmentTerms", **fields)).terms

    async def offers(self, amount_minor: int = 160_00, **more: Any) -> Sequence[InstalmentOffer]:
        fields = {"amount_minor": amount_minor, "currency": "EUR", **more}
        return (await self.call("ListInstalmentOffers", **fields)).data

    async def quote(
        self, amount_minor: int = 160_00, *, key: str = "", **more: Any
    ) -> pb.InstalmentQuote:
        fields = {
            "terms_id": "trm_default",
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "order_reference": "A-1001",
            **more,
        }
        return (await self.call("CreateInstalmentQuote", key=key, **fields)).quote
