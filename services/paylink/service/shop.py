"""The gRPC servicer of products, the shop and carts."""

from typing import Final

from incasso.paylink.v1 import shop_pb2 as pb
from libs import servicer, wire
from services.paylink.deps import Deps
from services.paylink.errors import CartNotFound, ProductNotFound
from services.paylink.events import cart_pb, shop_pb
from services.paylink.flows import carts, shop
from services.paylink.rules.carts import Cart
from services.paylink.rules.pictures import product_picture_of
from services.paylink.rules.products import Product, ShopChange, ShopEvent
from services.paylink.service.links import with_url
from services.paylink.store.carts import CARTS
from services.paylink.store.shop import PRODUCTS

_SHOP_EVENTS: Final = {
    pb.Shop.STATE_UNSPECIFIED: None,
    pb.Shop.STATE_OPEN: ShopEvent.OPEN,
    pb.Shop.STATE_CLOSED: ShopEvent.CLOSE,
}


async def _get_shop(deps: Deps) -> pb.Shop:
    return shop_pb(await shop.get_shop(deps), public_url=deps.public_url)


async def _update_shop(deps: Deps, request: pb.UpdateShopRequest) -> pb.Shop:
    new = wire.read(ShopChange, request, event=_SHOP_EVENTS[request.state])
    return shop_pb(await shop.update_shop(deps, new), public_url=deps.public_url)


async def _put_picture(deps: Deps, product_id: str, picture: str) -> Product:
    return await shop.put_product_picture(deps, product_id, product_picture_of(picture))


async def _get_picture(deps: Deps, picture_id: str) -> pb.GetProductPictureResponse:
    found = await shop.get_product_picture(deps, picture_id)
    return pb.GetProductPictureResponse(picture=found.content, media_type=found.media_type)


Shops = servicer.of(
    "incasso.paylink.v1.ShopService",
    shows={Cart: cart_pb},
    CreateProduct=shop.create_product,
    GetProduct=servicer.Row(PRODUCTS, ProductNotFound),
    ListProducts=servicer.Rows(PRODUCTS, "prd"),
    UpdateProduct=shop.update_product,
    ArchiveProduct=shop.archive_product,
    PutProductPicture=_put_picture,
    DeleteProductPicture=shop.delete_product_picture,
    GetProductPicture=_get_picture,
    GetShop=_get_shop,
    UpdateShop=_update_shop,
    CreateCart=carts.create_cart,
    GetCart=servicer.Row(CARTS, CartNotFound),
    ListCarts=servicer.Rows(CARTS, "crt"),
    CompleteCart=carts.complete_cart,
    RecoverCart=with_url(carts.recover_cart),
)
