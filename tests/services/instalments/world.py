"""A merchant's view of one instalments process."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

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
