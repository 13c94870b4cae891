"""Carts, products and the shop, as paylink answers the console in its tests."""

from typing import Any

from incasso.paylink.v1 import paylink_pb2, shop_pb2
from tests.services.console.samples import CART_ID, LINK_ID, PRODUCT_ID, money, stamp
from tests.services.merchants.logos import a_picture

PICTURE = a_picture(size=(200, 150))


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


def product(**more: Any) -> shop_pb2.Product:
    values = {
        "id": PRODUCT_ID,
        "state": shop_pb2.Product.STATE_ACTIVE,
        "name": "Olio extravergine 5 l",
        "description": "Della casa",
        "price": money(4590),
        "max_quantity": 10,
        "position": 1,
        "picture_id": "0123456789abcdef01234567",
        "created_at": stamp(),
    }
    return shop_pb2.Product(**(values | more))


SHOP = shop_pb2.Shop(
    slug="bottega", state=shop_pb2.Shop.STATE_OPEN, url="https://pay.example/shop/bottega"
)


def of_shop() -> dict[str, Any]:
    sent = cart(state=shop_pb2.Cart.STATE_RECOVERING, payment_link_id=LINK_ID)
    return {
        "ListProducts": shop_pb2.ListProductsResponse(
            data=[product(), product(state=shop_pb2.Product.STATE_ARCHIVED, picture_id=None)]
        ),
        "GetProduct": shop_pb2.GetProductResponse(product=product()),
        "CreateProduct": shop_pb2.CreateProductResponse(product=product()),
        "GetProductPicture": shop_pb2.GetProductPictureResponse(
            picture=PICTURE, media_type="image/png"
        ),
        "GetShop": shop_pb2.GetShopResponse(shop=SHOP),
        "ListCarts": shop_pb2.ListCartsResponse(data=[cart(), sent]),
        "GetCart": shop_pb2.GetCartResponse(cart=cart()),
        "RecoverCart": shop_pb2.RecoverCartResponse(
            payment_link=paylink_pb2.PaymentLink(id=LINK_ID)
        ),
    }
