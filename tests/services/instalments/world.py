"""A merchant's view of one instalments process."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from incasso.common.v1.offer_pb2 import InstalmentOffer
from incasso.instalments.v1 import instalments_pb2 as pb
from incasso.instalments.v1 import pages_pb2, plans_pb2
from incasso.payments.v1 import payments_pb2
from libs import client, clock, context, ids, wire
from libs.bus import Event
from services.instalments import worker
from services.instalments.deps import Deps
from tests.kit import doubles
from tests.kit.row_snapshots import Snapshots
from tests.waiting import HANGING_SECONDS


@dataclass
class World:
    """Calls RPCs by name as one merchant."""

    deps: Deps
    payments: doubles.Payments
    oneclick: doubles.OneClick
    paylink: doubles.PayLinks
    stubs: Sequence[Any]
    beginnings: Snapshots
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    ahead: timedelta = timedelta()
    begun: bool = False  # something has happened to the merchant
    has_copies: bool = False  # plans inserted by SQL, without events

    def act(self) -> None:
        seconds = int(self.ahead.total_seconds())
        context.set_current(
            context.Call(merchant_id=self.merchant_id, actor="test", clock_offset_seconds=seconds)
        )

    async def deliver(self, event: Event) -> None:
        """Handles an event like the consumer, which does not know the merchant's clock."""
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="instalments"))
        async with self.deps.db.transaction() as tx:
            await worker.handlers(self.deps)[event.subject](tx, event)

    async def call(self, rpc: str, *, key: str = "", **fields: Any) -> Any:
        self.begun = True
        self.act()
        name = f"{rpc}Request"
        kind = next(getattr(one, name) for one in (pb, plans_pb2, pages_pb2) if hasattr(one, name))
        request = kind(**fields)
        method = next(getattr(stub, rpc) for stub in self.stubs if hasattr(stub, rpc))
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

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

    async def creditor(self) -> None:
        """Sets what documents need to know about the merchant."""
        await self.call(
            "UpdateInstalmentSettings",
            creditor_address="Via Roma 1, 10121 Torino, Italia",
            creditor_email="info@bottega.example",
        )

    async def plan(self, *, key: str = "plan", **more: Any) -> plans_pb2.InstalmentPlan:
        """A plan from a quote of its own."""
        fields = {
            "quote_id": more.pop("quote_id", None) or (await self.quote()).id,
            "customer_id": "cus_giulia",
            **more,
        }
        return (await self.call("CreateInstalmentPlan", key=key, **fields)).plan

    async def documents(self, plan_id: str) -> str:
        """Hands both over; returns the agreement's SHA-256."""
        for kind in ("KIND_INFORMATION", "KIND_AGREEMENT"):
            answer = await self.call("GetInstalmentDocument", plan_id=plan_id, kind=kind)
        return answer.document.sha256

    async def ready(self) -> tuple[str, str]:
        """A plan that can be signed, and the SHA-256 of its agreement."""
        await self.creditor()
        plan = await self.plan()
        return plan.id, await self.documents(plan.id)

    async def sign(
        self, plan_id: str, sha256: str, *, key: str = "sign"
    ) -> plans_pb2.InstalmentPlan:
        fields = {"plan_id": plan_id, "instrument_id": "ins_good", "agreement_sha256": sha256}
        return (await self.call("SignInstalmentPlan", key=key, **fields)).plan

    async def active(self, amount_minor: int = 160_00, **terms: Any) -> plans_pb2.InstalmentPlan:
        """A signed plan, on terms of its own that may be credit, or on the default ones."""

        async def journey() -> plans_pb2.InstalmentPlan:
            return await self._signed(amount_minor, terms)

        return await self.begin(("active", amount_minor, repr(terms)), journey)

    async def begin(self, name: Hashable, journey: Callable[[], Awaitable[Any]]) -> Any:
        """A merchant without any data starts from the journey's snapshot, if another made the journey."""
        doubles = self._doubles()
        if self.begun or any(vars(each) != vars(type(each)()) for each in doubles.values()):
            return await journey()
        self.begun = True

        async def timed() -> tuple[Any, timedelta]:
            return await journey(), self.ahead

        answer, self.ahead = await self.beginnings.begin(name, self.merchant_id, doubles, timed)
        return answer

    def _doubles(self) -> dict[str, Any]:
        return {"payments": self.payments, "oneclick": self.oneclick, "paylink": self.paylink}

    async def _signed(self, amount_minor: int, terms: dict[str, Any]) -> plans_pb2.InstalmentPlan:
        await self.call("UpdateInstalmentSettings", lender_registration="OAM M123")
        await self.creditor()
        terms_id = (await self.terms(**terms)).id if terms else "trm_default"
        key = ids.new("key")
        quote = await self.quote(amount_minor, key=key, terms_id=terms_id, order_reference=key)
        plan = await self.plan(quote_id=quote.id, key=key)
        return await self.sign(plan.id, await self.documents(plan.id), key=key)

    async def until(self, at: Any) -> None:
        """Advances the merchant's clock to a time from an answer; it never runs backwards."""
        ahead = wire.time_of(at) - clock.world_now() + timedelta(seconds=1)
        self.ahead = max(self.ahead, ahead)
        seconds = int(self.ahead.total_seconds())
        async with self.deps.db.connection() as conn:
            await clock.follow(conn, self.merchant_id, seconds)

    async def pass_by(self, **time: int) -> None:
        """Lets this much of the merchant's time pass."""
        await self.until(wire.timestamp(clock.world_now() + self.ahead + timedelta(**time)))

    async def collect(self) -> None:
        """Charges due parts, and applies the consequences of missed ones."""
        await worker.due_worker(self.deps).run_once()
        await worker.plan_worker(self.deps).run_once()

    async def collected(self, plan_id: str, number: int) -> plans_pb2.Instalment:
        """The part after its automatic charge."""
        part = (await self.get(plan_id)).instalments[number - 1]
        await self.until(part.due_at)
        await self.collect()
        return (await self.get(plan_id)).instalments[number - 1]

    def say_no(self, advice: Any) -> None:
        """From here on cards are declined."""
        self.payments.state = payments_pb2.Payment.STATE_DECLINED
        self.payments.decline.advice = advice

    def say_yes(self) -> None:
        self.payments.state = payments_pb2.Payment.STATE_CAPTURED

    async def get(self, plan_id: str) -> plans_pb2.InstalmentPlan:
        return (await self.call("GetInstalmentPlan", plan_id=plan_id)).plan

    async def events(self, subject: str, kind: Any) -> Sequence[Any]:
        """This merchant's events with a subject, in order."""
        async with self.deps.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT body FROM outbox WHERE merchant_id = $1 AND subject = $2 ORDER BY event_id",
                self.merchant_id,
                f"incasso.instalments.{subject}",
            )
        return [kind.FromString(row["body"]) for row in rows]

    async def published(self) -> Sequence[str]:
        """Subjects of this merchant's events, except those for our own services, in order."""
        async with self.deps.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT subject FROM outbox WHERE merchant_id = $1"
                " AND subject !~ '[.](message_requested|balance_changed)$' ORDER BY event_id",
                self.merchant_id,
            )
        return [row["subject"].removeprefix("incasso.instalments.") for row in rows]
