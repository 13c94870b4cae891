"""The shop's page, and buying from it: a purchase creates a link, which the shopper then pays."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.paylink.deps import Deps
from services.paylink.errors import PaymentLinkNotFound
from services.paylink.flows import create
from services.paylink.flows.links import tokens_of
from services.paylink.rules import drafting
from services.paylink.rules import products as rules
from services.paylink.rules.domain import LineItem, Merchant, Method, NewLink, Origin, Recipient
from services.paylink.rules.products import Product, Shop
from services.paylink.store import shop as shop_store
from services.paylink.store.shop import PRODUCTS

PRODUCT_KEY: Final = "product_id"  # in the link's metadata, so that the merchant knows what to send


@dataclass(frozen=True, slots=True)
class ShopPage:
    merchant: Merchant
    title: str
    description: str | None
    products: Sequence[Product]
    locale: str
    form_key: str
    read_at: datetime


@dataclass(frozen=True, slots=True)
class BuyProduct:
    """`shown_minor` is the price of one as shown on the page. No locale: the merchant's."""

    product_id: str
    quantity: int
    email: str
    name: str | None
    locale: str | None
    shown_minor: int


async def enter(deps: Deps, slug: str) -> Shop:
    """From here on the call acts for the shop's merchant. Raises ShopNotFound, also if the shop is
    closed.
    """
    async with deps.db.connection() as conn:
        found, offset_seconds = await shop_store.by_slug(conn, slug)
    shop = rules.open_shop(found)
    context.act_as_shopper(shop.merchant_id, offset_seconds)
    return shop


async def get_shop_page(deps: Deps, entered: Shop) -> ShopPage:
    merchant = await deps.merchants.get()
    found = await deps.db.run(shop_store.shown, entered.merchant_id)
    return ShopPage(
        merchant=merchant,
        title=entered.title or merchant.name,
        description=entered.description,
        products=found,
        locale=merchant.locale,
        form_key=secrets.token_urlsafe(16),
        read_at=deps.clock.now(),
    )


async def buy_product(deps: Deps, entered: Shop, cmd: BuyProduct, key: Key) -> str:
    """Returns the token of the link to pay; the same key returns the same link's.

    Shoppers' links do not count against the plan's quota, so that shoppers cannot exhaust the
    merchant's.
    """
    merchant = await deps.merchants.get_current()

    async def buy(tx: Conn, link_id: str) -> None:
        await _insert(deps, tx, cmd, merchant, link_id, in_parts=entered.instalments)

    link_id = (await idempotency.once(deps.db, key, ids.new("lnk"), buy)).resource_id
    return required((await tokens_of(deps, [link_id])).get(link_id), PaymentLinkNotFound)


async def _insert(
    deps: Deps, tx: Conn, cmd: BuyProduct, merchant: Merchant, link_id: str, *, in_parts: bool
) -> None:
    product = await PRODUCTS.get(tx, merchant.id, cmd.product_id)
    new = _purchase(cmd, product, merchant, in_parts=in_parts)
    since = deps.clock.now() - rules.PURCHASE_DAY
    unpaid = await shop_store.unpaid_purchases(tx, merchant.id, cmd.email, since)
    rules.room_for_purchase(unpaid)
    await create.insert_link(deps, tx, new, count_quota=False, link_id=link_id)


def _purchase(
    cmd: BuyProduct, product: Product | None, merchant: Merchant, *, in_parts: bool
) -> NewLink:
    """Raises ProductNotFound, AmountChanged, InvalidArgument."""
    product = rules.on_sale(product)
    usual = drafting.usual_methods(merchant, product.price.currency)
    return NewLink(
        merchant=merchant,
        description=product.name,
        order_reference=f"shop-{ids.new('ord').partition('_')[2]}",
        amount=rules.purchase(product, quantity=cmd.quantity, shown_minor=cmd.shown_minor),
        line_items=(LineItem(product.name, cmd.quantity, product.price.amount_minor),),
        recipient=Recipient(name=cmd.name, email=cmd.email),
        expires_in_days=rules.PURCHASE_DAYS,
        locale=cmd.locale,
        methods=(*usual, Method.INSTALMENTS) if in_parts else usual,
        reminder_days=(),
        metadata={PRODUCT_KEY: product.id},
        origin=Origin.SHOP,
    )
