"""A merchant's and a shopper's view of one paylink process, and the calls that tests make most often."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incasso.paylink.v1 import events_pb2, pages_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from libs import client, context, ids
from libs.db import Database
from services.paylink import worker
from services.paylink.deps import Deps
from services.paylink.flows.pay_form import Offer, sealed
from tests.kit import doubles
from tests.kit.instalments_double import Instalments
from tests.kit.payments_double import money
from tests.waiting import HANGING_SECONDS

PUBLIC_URL = "https://pay.example"
Link = pb.PaymentLink
Try = pb.LinkPayment
Transfer = pb.BankTransfer


@dataclass
class World:
    """`call` acts as the merchant, `visit` as a shopper, who has only the token."""

    deps: Deps
    merchants: doubles.Merchants
    oneclick: doubles.OneClick
    payments: doubles.Payments
    instalments: Instalments
    stub: Any
    pages: Any
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    offset: timedelta = timedelta()
    offers: dict[Offer, str] = field(default_factory=dict)

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
            )
        )

    async def call(self, name: str, request: Any, *, key: str = "") -> Any:
        self.act()
        method = getattr(self.stub, name)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def visit(self, name: str, /, *, key: str = "", **fields: Any) -> Any:
        context.set_current(context.Call())
        request = getattr(pages_pb2, f"{name}Request")(**fields)
        method = getattr(self.pages, name)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    def link_request(self, amount_minor: int | None = 12900, **more: Any) -> Any:
        if amount_minor is not None:
            more["amount"] = money(amount_minor, more.pop("money_currency", "EUR"))
        return pb.CreatePaymentLinkRequest(
            description=more.pop("description", "Ordine A-1001"),
            order_reference=more.pop("order_reference", "A-1001"),
            **more,
        )

    async def link(self, amount_minor: int | None = 12900, *, key: str = "", **more: Any) -> Any:
        request = self.link_request(amount_minor, **more)
        answer = await self.call("CreatePaymentLink", request, key=key or ids.new("key"))
        return answer.payment_link

    async def sent_link(self, amount_minor: int = 12900, **more: Any) -> Any:
        recipient = more.pop("recipient", pb.Recipient(email="giulia@example.com"))
        return await self.link(
            amount_minor, recipient=recipient, channels=[pb.CHANNEL_EMAIL], **more
        )

    async def get(self, link: Any) -> Any:
        request = pb.GetPaymentLinkRequest(payment_link_id=link.id)
        return (await self.call("GetPaymentLink", request)).payment_link

    async def page(self, link: Any, use: str = "") -> Any:
        return (await self.visit("GetPayPage", token=token_of(link), use=use)).page

    async def pay(self, link: Any, shown_minor: int = 12900, *, key: str = "", **more: Any) -> Any:
        if "instrument_id" not in more:
            more = {"card_token": "tok_visa", "last4": "4242", **more}
        form_key = key or ids.new("key")
        if "offer" not in more:
            shown = Offer(link.id, form_key, shown_minor, "sandbox-a")  # as on the page
            more["offer"] = self.offers.setdefault(shown, sealed(self.deps, shown))
        answer = await self.visit("PayByCard", key=form_key, token=token_of(link), **more)
        return answer.payment

    async def plan_link(self, **more: Any) -> Any:
        """A link that its customer may pay in instalments."""
        methods = [pb.METHOD_CARD, pb.METHOD_BANK_TRANSFER, pb.METHOD_INSTALMENTS]
        return await self.link(**{"customer_id": "cus_giulia", "methods": methods, **more})

    async def guest_link(self, **more: Any) -> Any:
        """The same without a customer."""
        return await self.plan_link(**{"customer_id": None, **more})

    async def choose(
        self,
        link: Any,
        shown_minor: int = 12900,
        *,
        key: str = "",
        terms_id: str = "trm_default",
        **who: str,
    ) -> Any:
        """Chooses instalments as the page offers them. A guest enters e-mail and name."""
        if not link.customer_id:
            who = {"email": "anna@example.com", "name": "Anna Neri", **who}
        form_key = key or ids.new("key")
        shown = Offer(link.id, form_key, shown_minor, "sandbox-a")
        offer = self.offers.setdefault(shown, sealed(self.deps, shown))
        fields = {"token": token_of(link), "terms_id": terms_id, "offer": offer, **who}
        return (await self.visit("ChoosePlan", key=form_key, **fields)).payment

    async def transfer(
        self, amount_minor: int, reference: str, *, bank_reference: str = "", currency: str = "EUR"
    ) -> Any:
        request = pb.RecordBankTransferRequest(
            bank_reference=bank_reference or ids.new("bnk"),
            amount=money(amount_minor, currency),
            creditor_reference=reference,
            booked_on="2026-11-21",
        )
        answer = await self.call("RecordBankTransfer", request, key=ids.new("key"))
        return answer.bank_transfer

    async def tries(self, link: Any) -> list[Any]:
        request = pb.ListLinkPaymentsRequest(payment_link_id=link.id, limit=100)
        return list((await self.call("ListLinkPayments", request)).data)

    async def advance(self, **by: float) -> None:
        """Advances the merchant's clock, as merchants' events would, for calls and workers alike."""
        self.offset += timedelta(**by)
        async with self.db.connection() as conn:
            await conn.execute(
                "INSERT INTO test_clocks (merchant_id, clock_offset) VALUES ($1, $2)"
                " ON CONFLICT (merchant_id) DO UPDATE SET clock_offset = EXCLUDED.clock_offset",
                self.merchant_id,
                self.offset,
            )

    async def work(self) -> None:
        """Runs the workers of links and of attempts on everything due."""
        while await worker.link_worker(self.deps).run_once():
            pass
        async with self.db.connection() as conn:
            await conn.execute(
                "UPDATE link_payments SET due_at = now()"
                " WHERE due_at IS NOT NULL AND merchant_id = $1",
                self.merchant_id,
            )
        await worker.payment_worker(self.deps).run_once()

    async def age_tries(self, by: timedelta) -> None:
        async with self.db.connection() as conn:
            await conn.execute(
                "UPDATE link_payments SET begun_at = begun_at - $2::interval WHERE merchant_id = $1",
                self.merchant_id,
                by,
            )

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.connection() as conn:
            return await conn.fetch(sql, *args)

    async def subjects(self, link: Any) -> list[str]:
        """A link's events in order, without the prefix."""
        rows = await self.rows(
            "SELECT subject FROM outbox WHERE aggregate_id = $1 ORDER BY seq", link.id
        )
        return [row["subject"].rpartition(".")[2] for row in rows]

    async def reasons(self, link: Any) -> list[str]:
        """The reasons of the requested messages, in order."""
        rows = await self.rows(
            "SELECT body FROM outbox WHERE aggregate_id = $1 AND subject LIKE '%message_requested'"
            " ORDER BY seq",
            link.id,
        )
        message = events_pb2.PaymentLinkMessageRequested
        return [
            message.Reason.Name(message.FromString(row["body"]).reason).removeprefix("REASON_")
            for row in rows
        ]


def token_of(link: Any) -> str:
    return link.url.rpartition("/")[2]


def at(stamp: Any) -> datetime:
    return stamp.ToDatetime()
