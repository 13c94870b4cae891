"""Orders for tests, and couriers' reports about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs import clock, ids, wire
from tests.services.cod.world import World

GIULIA = {
    "name": "Giulia Bianchi",
    "email": "giulia@example.com",
    "phone": "+393331234567",
}
ROME = {"street": "Via Roma 1", "postcode": "00185", "town": "Roma", "country": "IT"}
CODE = "incasso.cod.order.message_requested"


@dataclass
class Shop:
    """A merchant with one courier, and what it does with orders."""

    world: World
    courier_id: str

    async def call(self, rpc: str, **fields: Any) -> Any:
        return await self.world.call(rpc, **fields)

    async def propose(self, amount_minor: int = 50_00, *, key: str = "", **more: Any) -> Any:
        fields = {
            "order_reference": f"A-{ids.new('ref')}",
            "amount": {"amount_minor": amount_minor, "currency": "EUR"},
            "recipient": GIULIA,
            "address": ROME,
            **more,
        }
        answer = await self.call("CreateCodOrder", key=key or ids.new("key"), **fields)
        return answer.order

    async def get(self, order_id: str) -> pb.CodOrder:
        return (await self.call("GetCodOrder", cod_order_id=order_id)).order

    async def as_published(self, order_id: str) -> pb.CodOrder:
        """The order as in events: without the URLs of its page and of its deposit's link."""
        order = await self.get(order_id)
        order.ClearField("page_url")
        order.ClearField("deposit_url")
        return order

    async def acknowledge(self, order: Any, *amounts: int) -> pb.CodAcknowledgement:
        """In parcels of these amounts, or in one with the whole amount."""
        parcels = [
            {
                "order_reference": order.order_reference,
                "tracking_number": number_of(order, position),
                "to_collect_minor": amount,
            }
            for position, amount in enumerate(amounts or (order.to_collect_minor,))
        ]
        answer = await self.call(
            "AcknowledgeCodAmounts", courier_id=self.courier_id, parcels=parcels
        )
        return answer.data[0]

    async def dispatch(self, order: Any) -> pb.CodOrder:
        return (await self.call("DispatchCodOrder", cod_order_id=order.id)).order

    async def dispatched(self, *amounts: int, **more: Any) -> pb.CodOrder:
        """An order dispatched in parcels of these amounts, or in one."""
        order = await self.propose(sum(amounts) or 50_00, **more)
        await self.acknowledge(order, *amounts)
        return await self.dispatch(order)

    async def report(self, *events: dict[str, Any]) -> Sequence[pb.CourierEvent]:
        answer = await self.call(
            "RecordCourierEvents", courier_id=self.courier_id, events=list(events)
        )
        return answer.data

    async def published(self, order_id: str = "") -> list[str]:
        """The end of the subjects of this merchant's events, except those for notify."""
        rows = await self._events(order_id)
        return [
            row["subject"].removeprefix("incasso.cod.") for row in rows if row["subject"] != CODE
        ]

    async def messages(self, order_id: str) -> list[events_pb2.CodMessageRequested]:
        return [
            events_pb2.CodMessageRequested.FromString(row["body"])
            for row in await self._events(order_id)
            if row["subject"] == CODE
        ]

    async def bodies(self, order_id: str, kind: Any, subject: str) -> list[Any]:
        return [
            kind.FromString(row["body"])
            for row in await self._events(order_id)
            if row["subject"] == f"incasso.cod.{subject}"
        ]

    async def _events(self, order_id: str) -> Sequence[Any]:
        async with self.world.deps.db.connection() as conn:
            return await conn.fetch(
                "SELECT subject, body FROM outbox WHERE merchant_id = $1"
                " AND ($2 = '' OR aggregate_id = $2) ORDER BY seq",
                self.world.merchant_id,
                order_id,
            )

    async def code(self, order_id: str) -> str:
        return (await self.call("GetCodCode", cod_order_id=order_id)).code

    async def confirm(self, order_id: str, code: str, *, key: str = "") -> Any:
        fields = {"cod_order_id": order_id, "code": code}
        return (await self.call("ConfirmCodOrder", key=key, **fields)).order


def number_of(order: Any, position: int = 0) -> str:
    """The courier's number of a parcel."""
    return f"{order.id[4:]}-{position}"


def event(
    order: Any,
    kind: str,
    *,
    parcel: int = 0,
    at: datetime | None = None,
    event_id: str = "",
    **more: Any,
) -> dict[str, Any]:
    return {
        "event_id": event_id or ids.new("ev"),
        "tracking_number": number_of(order, parcel),
        "kind": f"COURIER_EVENT_KIND_{kind.upper()}",
        "occurred_at": wire.timestamp(at or clock.world_now()),
        **more,
    }
