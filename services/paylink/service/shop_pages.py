"""The shop's page and buying from it: the two calls of PayPagesService that are not about a link."""

import secrets

from incasso.paylink.v1 import pages_pb2 as pb
from libs import wire
from libs.idempotency import needed_key_of
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
    key = needed_key_of(request, "BuyProduct")
    cmd = wire.read(buying.BuyProduct, request)
    return pb.BuyProductResponse(token=await buying.buy_product(deps, cmd, key))


def merchant_pb(merchant: Merchant) -> pb.PageMerchant:
    return wire.message(pb.PageMerchant, merchant)


def _product_pb(product: Product) -> pb.ShopProduct:
    return wire.message(pb.ShopProduct, product)
