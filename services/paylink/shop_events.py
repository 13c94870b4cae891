"""What the outside sees of products, shops and carts, and the events of carts."""

from datetime import datetime
from typing import Final

from incasso.paylink.v1 import events_pb2, shop_pb2
from libs import outbox, wire
from libs.db import Conn
from services.paylink.events import line_items_pb, recipient_pb
from services.paylink.rules.carts import Cart, CartState
from services.paylink.rules.products import Product, ProductState, Shop, ShopState

RECOVERY_SENT: Final = "incasso.paylink.cart.recovery_sent"
RECOVERED: Final = "incasso.paylink.cart.recovered"

_PRODUCT_STATES: Final = {
    ProductState.ACTIVE: shop_pb2.Product.STATE_ACTIVE,
    ProductState.ARCHIVED: shop_pb2.Product.STATE_ARCHIVED,
}
_SHOP_STATES: Final = {
    ShopState.OPEN: shop_pb2.Shop.STATE_OPEN,
    ShopState.CLOSED: shop_pb2.Shop.STATE_CLOSED,
}
_CART_STATES: Final = {
    CartState.OPEN: shop_pb2.Cart.STATE_OPEN,
    CartState.RECOVERING: shop_pb2.Cart.STATE_RECOVERING,
    CartState.RECOVERED: shop_pb2.Cart.STATE_RECOVERED,
    CartState.COMPLETED: shop_pb2.Cart.STATE_COMPLETED,
    CartState.LOST: shop_pb2.Cart.STATE_LOST,
}


def product_pb(product: Product) -> shop_pb2.Product:
    return shop_pb2.Product(
        id=product.id,
        state=_PRODUCT_STATES[product.state],
        name=product.name,
        description=product.description,
        price=wire.money(product.price),
        max_quantity=product.max_quantity,
        position=product.position,
        metadata=product.metadata,
        created_at=wire.timestamp(product.created_at),
    )


def shop_pb(shop: Shop, *, public_url: str) -> shop_pb2.Shop:
    return shop_pb2.Shop(
        slug=shop.slug,
        state=_SHOP_STATES[shop.state],
        title=shop.title,
        description=shop.description,
        url=f"{public_url.rstrip('/')}/shop/{shop.slug}",
        created_at=wire.timestamp(shop.created_at),
    )


def cart_pb(cart: Cart) -> shop_pb2.Cart:
    contents = cart.contents
    return shop_pb2.Cart(
        id=cart.id,
        state=_CART_STATES[cart.state],
        reference=cart.reference,
        recipient=recipient_pb(contents.recipient),
        line_items=line_items_pb(contents.line_items),
        amount=wire.money(contents.amount),
        locale=contents.locale,
        recover_at=None if contents.recover_at is None else wire.timestamp(contents.recover_at),
        payment_link_id=cart.payment_link_id,
        metadata=contents.metadata,
        created_at=wire.timestamp(cart.created_at),
    )


async def cart_recovery_sent(conn: Conn, cart: Cart, now: datetime) -> None:
    body = events_pb2.CartRecoverySent(cart=cart_pb(cart)).SerializeToString()
    await _append(conn, cart, RECOVERY_SENT, body, now)


async def cart_recovered(conn: Conn, cart: Cart, now: datetime) -> None:
    body = events_pb2.CartRecovered(cart=cart_pb(cart)).SerializeToString()
    await _append(conn, cart, RECOVERED, body, now)


async def _append(conn: Conn, cart: Cart, subject: str, body: bytes, now: datetime) -> None:
    await outbox.append(
        conn,
        merchant_id=cart.merchant_id,
        aggregate_id=cart.id,
        subject=subject,
        body=body,
        at=now,
    )
