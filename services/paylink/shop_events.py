"""What the outside sees of products, shops and carts, and the events of carts."""

from datetime import datetime
from typing import Final

from google.protobuf.message import Message

from incasso.paylink.v1 import events_pb2, shop_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from services.paylink.rules.carts import Cart
from services.paylink.rules.products import Product, Shop

RECOVERY_SENT: Final = "incasso.paylink.cart.recovery_sent"
RECOVERED: Final = "incasso.paylink.cart.recovered"


def product_pb(product: Product) -> shop_pb2.Product:
    return wire.message(shop_pb2.Product, product)


def shop_pb(shop: Shop, *, public_url: str) -> shop_pb2.Shop:
    url = f"{public_url.rstrip('/')}/shop/{shop.slug}"
    return wire.message(shop_pb2.Shop, shop, url=url)


def cart_pb(cart: Cart) -> shop_pb2.Cart:
    made = wire.message(shop_pb2.Cart, cart)
    made.MergeFrom(wire.message(shop_pb2.Cart, cart.contents))
    return made


async def cart_recovery_sent(conn: Conn, cart: Cart, now: datetime) -> None:
    await _tell(conn, cart, RECOVERY_SENT, events_pb2.CartRecoverySent(cart=cart_pb(cart)), now)


async def cart_recovered(conn: Conn, cart: Cart, now: datetime) -> None:
    await _tell(conn, cart, RECOVERED, events_pb2.CartRecovered(cart=cart_pb(cart)), now)


async def _tell(conn: Conn, cart: Cart, subject: str, event: Message, now: datetime) -> None:
    body = event.SerializeToString()
    await outbox.tell(conn, NewEvent(cart.merchant_id, cart.id, subject, body, now))
