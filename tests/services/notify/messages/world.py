"""A merchant's view of one notify process, and the calls that tests make most often."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from incasso.paylink.v1 import events_pb2, paylink_pb2
from incasso.payments.v1 import events_pb2 as payment_events
from incasso.payments.v1 import payments_pb2
from libs import bus, client, context, ids
from libs.db import Conn, Database
from services.notify import worker
from services.notify.deps import Deps
from services.notify.messages import worker as messages
from tests.services.notify.messages.mail_double import MailServer
from tests.services.notify.messages.neighbours import Neighbours, link_of, money
from tests.services.notify.messages.sms_double import SmsApi
from tests.waiting import HANGING_SECONDS

Requested = events_pb2.PaymentLinkMessageRequested


@dataclass
class Time:
    """Real time as the process sees it; a test can move it ahead."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    deps: Deps
    neighbours: Neighbours
    mail: MailServer
    sms: SmsApi
    stub: Any
    time: Time
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))

    @property
    def db(self) -> Database:
        return self.deps.db

    def act(self) -> None:
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="test"))

    async def call(self, name: str, request: Any, *, key: str = "") -> Any:
        self.act()
        method = getattr(self.stub, name)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    def event(self, noun: str, message: Any, **changes: Any) -> bus.Event:
        values: dict[str, Any] = {
            "event_id": ids.new("evt"),
            "merchant_id": self.merchant_id,
            "aggregate_id": "x",
            "subject": f"incasso.{noun}",
            "body": message.SerializeToString(),
            "traceparent": "",
            "occurred_at": datetime.now(UTC),
        }
        return bus.Event(**{**values, **changes})

    async def happen(self, event: bus.Event) -> None:
        async with self.db.transaction() as tx:
            await self.handle(tx, event)

    async def handle(self, tx: Conn, event: bus.Event) -> None:
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="notify"))
        await worker.handlers(self.deps)[event.subject](tx, event)

    def link(self, **changes: Any) -> paylink_pb2.PaymentLink:
        made = link_of(**changes)
        self.neighbours.links[made.id] = made
        return made

    async def ask(
        self, link: paylink_pb2.PaymentLink | None = None, reason: int = Requested.REASON_ISSUED
    ) -> paylink_pb2.PaymentLink:
        """Requests the sending of a link."""
        asked = link or self.link()
        payload = Requested(payment_link=asked, reason=reason)
        await self.happen(self.event("paylink.payment_link.message_requested", payload))
        return asked

    async def ask_sms(self, **changes: Any) -> paylink_pb2.PaymentLink:
        return await self.ask(self.link(channels=[paylink_pb2.CHANNEL_SMS], **changes))

    async def paid(self, link: paylink_pb2.PaymentLink, **changes: Any) -> None:
        paying = paylink_pb2.LinkPayment(amount=money(), **changes)
        payload = events_pb2.PaymentLinkPaid(payment_link=link, link_payment=paying)
        await self.happen(self.event("paylink.payment_link.paid", payload))

    def payment(self, **changes: Any) -> payments_pb2.Payment:
        values: dict[str, Any] = {
            "id": ids.new("pay"),
            "amount": money(5990),
            "method": "one_click",
            "order_reference": "B-7",
        }
        return payments_pb2.Payment(**{**values, **changes})

    async def refunded(self, payment: payments_pb2.Payment, amount_minor: int = 1000) -> None:
        payload = payment_events.PaymentRefunded(
            payment=payment, refund=payments_pb2.Refund(amount_minor=amount_minor)
        )
        await self.happen(self.event("payments.payment.refunded", payload))

    async def turn(self, times: int = 1) -> None:
        """Runs the workers `times` times."""
        for _ in range(times):
            await messages.mail_worker(self.deps).run_once()
            await messages.phone_worker(self.deps).run_once()

    async def due(self) -> None:
        """Makes waiting messages due now."""
        async with self.db.connection() as conn:
            await conn.execute(
                "UPDATE due_messages SET due_at = now(), leased_until = NULL WHERE merchant_id = $1",
                self.merchant_id,
            )

    async def rows(self) -> list[Any]:
        async with self.db.connection() as conn:
            return await conn.fetch(
                "SELECT messages.*, due_at FROM messages LEFT JOIN due_messages USING (merchant_id, id)"
                " WHERE merchant_id = $1 ORDER BY id",
                self.merchant_id,
            )

    async def row(self) -> Any:
        (only,) = await self.rows()
        return only

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows()]

    async def suppressed(self) -> list[tuple[str, str]]:
        async with self.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT recipient, reason FROM suppressions WHERE merchant_id = $1",
                self.merchant_id,
            )
        return [(row["recipient"], row["reason"]) for row in rows]
