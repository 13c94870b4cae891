"""The shop's page and buying from it: the two calls of PayPagesService that are not about a link."""

import secrets

from incasso.paylink.v1 import pages_pb2 as pb
from libs import wire
from libs.errors import IdempotencyKeyMissing
from libs.idempotency import key_of
from services.paylink.deps import Deps
from services.paylink.flows import buying
from services.paylink.rules.domain import Merchant
from services.paylink.rules.products import Product


async def get_shop_page(deps: Deps, request: pb.GetShopPageRequest) -> pb.GetShopPageResponse:
    page = await buying.get_shop_page(deps, request.slug)
    return pb.GetShopPageResponse(
        merchant=merchant_pb(page.merchant),
        title=page.shop.title or page.merchant.name,
        description=page.shop.description or "",
        products=[_product_pb(product) for product in page.products],
        locale=page.merchant.locale,
        form_key=secrets.token_urlsafe(16),
        read_at=wire.timestamp(page.read_at),
    )


async def buy_product(deps: Deps, request: pb.BuyProductRequest) -> pb.BuyProductResponse:
    """The key is one of the shop's merchant, who is known once the shop was entered."""
    await buying.enter(deps, request.slug)
    key = key_of(request, "BuyProduct")
    if key is None:
        raise IdempotencyKeyMissing
    cmd = buying.BuyProduct(
        product_id=request.product_id,
        quantity=request.quantity,
        email=request.email,
        name=request.name or None,
        locale=request.locale or None,
        shown_minor=request.shown_minor,
    )
    return pb.BuyProductResponse(token=await buying.buy_product(deps, cmd, key))


def merchant_pb(merchant: Merchant) -> pb.PageMerchant:
    return pb.PageMerchant(
        id=merchant.id,
        name=merchant.name,
        logo_id=merchant.logo_id,
        primary_colour=merchant.primary_colour,
        website_url=merchant.website_url,
        reply_to=merchant.reply_to,
        test=merchant.test,
    )


def _product_pb(product: Product) -> pb.ShopProduct:
    return pb.ShopProduct(
        id=product.id,
        name=product.name,
        description=product.description or "",
        price=wire.money(product.price),
        max_quantity=product.max_quantity,
    )
