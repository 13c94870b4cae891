"""Carts, as paylink answers the console in its tests."""

from typing import Any

from incasso.paylink.v1 import paylink_pb2, shop_pb2
from tests.services.console.samples import CART_ID, LINK_ID, money, stamp


def cart(**more: Any) -> shop_pb2.Cart:
    values = {
        "id": CART_ID,
        "state": shop_pb2.Cart.STATE_OPEN,
        "reference": "cart-77",
        "recipient": paylink_pb2.Recipient(name="Giulia", email="giulia@example.com"),
        "line_items": [
            paylink_pb2.LineItem(name="Tazza", quantity=2, unit_amount_minor=2450),
        ],
        "amount": money(4900),
        "locale": "it",
        "recover_at": stamp(),
        "created_at": stamp(),
    }
    return shop_pb2.Cart(**(values | more))


def of_shop() -> dict[str, Any]:
    sent = cart(state=shop_pb2.Cart.STATE_RECOVERING, payment_link_id=LINK_ID)
    return {
        "ListCarts": shop_pb2.ListCartsResponse(data=[cart(), sent]),
        "GetCart": shop_pb2.GetCartResponse(cart=cart()),
        "RecoverCart": shop_pb2.RecoverCartResponse(
            payment_link=paylink_pb2.PaymentLink(id=LINK_ID)
        ),
    }
