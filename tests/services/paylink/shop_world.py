"""A merchant's view of the shop side of one paylink process, with a double of merchants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from incasso.common.v1 import money_pb2
from incasso.merchants.v1 import merchants_pb2
from incasso.merchants.v1.merchants_pb2_grpc import (
    MerchantsServiceServicer,
    add_MerchantsServiceServicer_to_server,
)
from incasso.paylink.v1 import pages_pb2, pages_pb2_grpc, paylink_pb2, shop_pb2, shop_pb2_grpc
from libs import client, context, ids, services
from libs.clock import Clock
from libs.db import Database
from libs.errors import Refusal
from libs.merchants import Merchants
from libs.money import Money
from libs.payments import velocity
from libs.proofs import Proofs
from libs.seal import Seal
from libs.server import Server
from libs.tasks import Tasks
from services.paylink.deps import Deps
from services.paylink.flows.giving_up import cancel_payment_link
from services.paylink.flows.transfers import RecordBankTransfer, record_bank_transfer
from services.paylink.instalments_client import Instalments
from services.paylink.link_listener import LinkListener
from services.paylink.oneclick_client import Customers
from services.paylink.payments_client import Payments
from services.paylink.rules.domain import Merchant
from services.paylink.service.pages import PayPages
from services.paylink.service.shop import Shops
from services.paylink.store.links import CHANGED
from services.paylink.worker import cart_worker, link_worker
from tests.waiting import HANGING_SECONDS

PUBLIC_URL = "https://pay.example"


class MerchantsDouble(MerchantsServiceServicer):
    """Every merchant exists; `quotas` are the plan's, by merchant."""

    def __init__(self) -> None:
        self.quotas: dict[str, dict[str, int]] = {}

    async def GetMerchant(self, request: Any, rpc: Any) -> merchants_pb2.GetMerchantResponse:
        merchant_id = context.merchant_id()
        return merchants_pb2.GetMerchantResponse(
            merchant=merchants_pb2.Merchant(
                id=merchant_id,
                name="La Bottega",
                default_currency="EUR",
                locale="it",
                test=True,
                quotas=self.quotas.get(merchant_id, {}),
            )
        )


@dataclass
class ShopWorld:
    """`call` acts as the merchant, `visit` as a shopper, who has only the shop's address."""

    deps: Deps
    merchants: MerchantsDouble
    shop: Any
    pages: Any
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    offset: timedelta = timedelta()

    @property
    def db(self) -> Database:
        return self.deps.db

    def neighbour(self) -> "ShopWorld":
        """Another merchant of the same process."""
        return ShopWorld(self.deps, self.merchants, self.shop, self.pages)

    def act(self) -> None:
        seconds = int(self.offset.total_seconds())
        context.set_current(
            context.Call(merchant_id=self.merchant_id, actor="test", clock_offset_seconds=seconds)
        )

    async def call(self, name: str, request: Any, *, key: str = "") -> Any:
        self.act()
        method = getattr(self.shop, name)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def visit(self, name: str, request: Any, *, key: str = "") -> Any:
        context.set_current(context.Call())
        method = getattr(self.pages, name)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def product(self, name: str = "Olio", price_minor: int = 4590, **more: Any) -> Any:
        request = shop_pb2.CreateProductRequest(name=name, price=money(price_minor), **more)
        return (await self.call("CreateProduct", request)).product

    async def open_shop(self, **more: Any) -> Any:
        slug = more.pop("slug", self.merchant_id.replace("_", "-"))
        return (await self.call("UpdateShop", shop_pb2.UpdateShopRequest(slug=slug, **more))).shop

    def purchase(self, shop: Any, product: Any, **more: Any) -> pages_pb2.BuyProductRequest:
        return pages_pb2.BuyProductRequest(
            **{
                "slug": shop.slug,
                "product_id": product.id,
                "quantity": 1,
                "email": "giulia@example.com",
                "locale": "it",
                "shown_minor": product.price.amount_minor,
                **more,
            }
        )

    async def buy(self, shop: Any, product: Any, *, key: str = "", **more: Any) -> str:
        request = self.purchase(shop, product, **more)
        return (await self.visit("BuyProduct", request, key=key or ids.new("key"))).token

    def cart_request(self, reference: str = "cart-77", **more: Any) -> Any:
        defaults: dict[str, Any] = {
            "recipient": paylink_pb2.Recipient(email="giulia@example.com", name="Giulia"),
            "line_items": [item("Scarpe da corsa", 1, 12900)],
        }
        return shop_pb2.CreateCartRequest(reference=reference, **{**defaults, **more})

    async def cart(self, reference: str = "cart-77", **more: Any) -> Any:
        return (await self.call("CreateCart", self.cart_request(reference, **more))).cart

    async def get_cart(self, cart_id: str) -> Any:
        return (await self.call("GetCart", shop_pb2.GetCartRequest(cart_id=cart_id))).cart

    async def recover(self, cart_id: str, *, key: str = "", **more: Any) -> Any:
        request = shop_pb2.RecoverCartRequest(cart_id=cart_id, **more)
        answer = await self.call("RecoverCart", request, key=key or ids.new("key"))
        return answer.payment_link

    async def complete(self, cart_id: str) -> Any:
        request = shop_pb2.CompleteCartRequest(cart_id=cart_id)
        return (await self.call("CompleteCart", request)).cart

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.connection() as conn:
            return await conn.fetch(sql, *args)

    async def links(self) -> list[Any]:
        return await self.rows(
            "SELECT * FROM links WHERE merchant_id = $1 ORDER BY id", self.merchant_id
        )

    async def events(self) -> list[tuple[str, bytes]]:
        rows = await self.rows(
            "SELECT subject, body FROM outbox WHERE merchant_id = $1 ORDER BY seq", self.merchant_id
        )
        return [(row["subject"].removeprefix("incasso.paylink."), row["body"]) for row in rows]

    async def advance(self, by: timedelta) -> None:
        """Advances the merchant's test clock."""
        self.offset += by
        async with self.db.connection() as conn:
            await conn.execute(
                "INSERT INTO test_clocks (merchant_id, clock_offset) VALUES ($1, $2)"
                " ON CONFLICT (merchant_id) DO UPDATE SET clock_offset = EXCLUDED.clock_offset",
                self.merchant_id,
                self.offset,
            )


def money(amount_minor: int, currency: str = "EUR") -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount_minor, currency=currency)


def item(name: str, quantity: int, unit_amount_minor: int) -> paylink_pb2.LineItem:
    return paylink_pb2.LineItem(name=name, quantity=quantity, unit_amount_minor=unit_amount_minor)


async def reason_of(doing) -> tuple[str, int]:
    with pytest.raises(Refusal) as refused:
        await doing
    return refused.value.reason, refused.value.kind.http_status


async def published(world: ShopWorld, verb: str) -> list[bytes]:
    return [body for subject, body in await world.events() if subject == verb]


async def run_worker(world: ShopWorld) -> None:
    await cart_worker(world.deps).run_once()
    world.act()


async def pay(world: ShopWorld, link_id: str) -> None:
    """The full price arrives in the merchant's bank account."""
    (link,) = [row for row in await world.links() if row["id"] == link_id]
    world.act()
    cmd = RecordBankTransfer(
        bank_reference=ids.new("bnk"),
        amount=Money(link["amount_minor"], link["currency"]),
        creditor_reference=link["creditor_reference"],
        booked_on="2026-11-22",
    )
    await record_bank_transfer(world.deps, cmd, None)


async def expire(world: ShopWorld) -> None:
    """Expires every link, by the merchant's clock."""
    await world.advance(timedelta(days=121))
    await link_worker(world.deps).run_once()
    world.act()


async def cancel(world: ShopWorld, link_id: str) -> None:
    world.act()
    await cancel_payment_link(world.deps, link_id)


@asynccontextmanager
async def open_shop_world(database: Database) -> AsyncIterator[ShopWorld]:
    double = MerchantsDouble()
    neighbour = Server(
        [(add_MerchantsServiceServicer_to_server, double)],
        ["incasso.merchants.v1.MerchantsService"],
        Tasks(),
    )
    neighbours = client.channel(f"ipv4:127.0.0.1:{await neighbour.start('127.0.0.1:0')}")
    seal = Seal([Fernet.generate_key().decode()])
    deps = Deps(
        db=database,
        clock=Clock(),
        seal=seal,
        addresses=Proofs(velocity.LABEL, [Fernet.generate_key().decode()]),
        public_url=PUBLIC_URL,
        merchants=Merchants(Merchant, neighbours),
        payments=Payments(neighbours, seal),
        instalments=Instalments(neighbours, seal),
        saved_cards=Customers(neighbours),
        link_listener=LinkListener(database, CHANGED),
    )
    server = Server(
        [
            (shop_pb2_grpc.add_ShopServiceServicer_to_server, Shops(deps)),
            (pages_pb2_grpc.add_PayPagesServiceServicer_to_server, PayPages(deps)),
        ],
        services.named("paylink").full_names,
        Tasks(),
    )
    channel = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    yield ShopWorld(
        deps,
        double,
        shop_pb2_grpc.ShopServiceStub(channel),
        pages_pb2_grpc.PayPagesServiceStub(channel),
    )
    await channel.close()
    await server.stop(1)
    async with database.connection() as conn:  # workers claim every merchant's rows
        await conn.execute("UPDATE carts SET due_at = NULL")
    await neighbours.close()
    await neighbour.stop(1)
