# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of products, the shop and carts: message → command → flow → message."""

from typing import Any, Final, TypeAlias

import grpc

from incasso.paylink.v1 import shop_pb2 as pb
from incasso.paylink.v1.shop_pb2_grpc import ShopServiceServicer
from libs import pages, wire
from libs.idempotency import key_of, needed_key_of
from services.paylink import shop_events
from services.paylink.deps import Deps
from services.paylink.flows import carts, products, shops
from services.paylink.rules.carts import CartState
from services.paylink.rules.products import ProductChange, ProductState, Shop, ShopChange, ShopEvent
from services.paylink.service.links import with_url

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_PRODUCT_STATES: Final = wire.members(ProductState, pb.Product.State)
_SHOP_EVENTS: Final = {
    pb.Shop.STATE_UNSPECIFIED: None,
    pb.Shop.STATE_OPEN: ShopEvent.OPEN,
    pb.Shop.STATE_CLOSED: ShopEvent.CLOSE,
}
_CART_STATES: Final = wire.members(CartState, pb.Cart.State)


class Shops(ShopServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreateProduct(
        self, request: pb.CreateProductRequest, rpc: Rpc
    ) -> pb.CreateProductResponse:
        cmd = wire.read(products.CreateProduct, request)
        made = await products.create_product(self._deps, cmd, key_of(request, "CreateProduct"))
        return pb.CreateProductResponse(product=pb.Product.FromString(made))

    async def GetProduct(self, request: pb.GetProductRequest, rpc: Rpc) -> pb.GetProductResponse:
        found = await products.get_product(self._deps, request.product_id)
        return pb.GetProductResponse(product=shop_events.product_pb(found))

    async def ListProducts(
        self, request: pb.ListProductsRequest, rpc: Rpc
    ) -> pb.ListProductsResponse:
        page, state = pages.asked(request, "prd"), _PRODUCT_STATES.get(request.state)
        found = await products.list_products(self._deps, page, state)
        return pb.ListProductsResponse(
            data=[shop_events.product_pb(row) for row in found.rows], next_cursor=found.next_cursor
        )

    async def UpdateProduct(
        self, request: pb.UpdateProductRequest, rpc: Rpc
    ) -> pb.UpdateProductResponse:
        new = wire.read(ProductChange, request)
        changed = await products.update_product(self._deps, request.product_id, new)
        return pb.UpdateProductResponse(product=shop_events.product_pb(changed))

    async def ArchiveProduct(
        self, request: pb.ArchiveProductRequest, rpc: Rpc
    ) -> pb.ArchiveProductResponse:
        archived = await products.archive_product(self._deps, request.product_id)
        return pb.ArchiveProductResponse(product=shop_events.product_pb(archived))

    async def GetShop(self, request: pb.GetShopRequest, rpc: Rpc) -> pb.GetShopResponse:
        return pb.GetShopResponse(shop=self._shop(await shops.get_shop(self._deps)))

    async def UpdateShop(self, request: pb.UpdateShopRequest, rpc: Rpc) -> pb.UpdateShopResponse:
        new = wire.read(ShopChange, request, event=_SHOP_EVENTS[request.state])
        return pb.UpdateShopResponse(shop=self._shop(await shops.update_shop(self._deps, new)))

    async def CreateCart(self, request: pb.CreateCartRequest, rpc: Rpc) -> pb.CreateCartResponse:
        cmd = wire.read(carts.CreateCart, request)
        made = await carts.create_cart(self._deps, cmd, key_of(request, "CreateCart"))
        return pb.CreateCartResponse(cart=pb.Cart.FromString(made))

    async def GetCart(self, request: pb.GetCartRequest, rpc: Rpc) -> pb.GetCartResponse:
        found = await carts.get_cart(self._deps, request.cart_id)
        return pb.GetCartResponse(cart=shop_events.cart_pb(found))

    async def ListCarts(self, request: pb.ListCartsRequest, rpc: Rpc) -> pb.ListCartsResponse:
        page, state = pages.asked(request, "crt"), _CART_STATES.get(request.state)
        found = await carts.list_carts(self._deps, page, state)
        return pb.ListCartsResponse(
            data=[shop_events.cart_pb(row) for row in found.rows], next_cursor=found.next_cursor
        )

    async def CompleteCart(
        self, request: pb.CompleteCartRequest, rpc: Rpc
    ) -> pb.CompleteCartResponse:
        completed = await carts.complete_cart(self._deps, request.cart_id)
        return pb.CompleteCartResponse(cart=shop_events.cart_pb(completed))

    async def RecoverCart(self, request: pb.RecoverCartRequest, rpc: Rpc) -> pb.RecoverCartResponse:
        cmd = wire.read(carts.RecoverCart, request)
        key = needed_key_of(request, "RecoverCart")
        made = await carts.recover_cart(self._deps, cmd, key)
        return pb.RecoverCartResponse(payment_link=await with_url(self._deps, made))

    def _shop(self, shop: Shop) -> pb.Shop:
        return shop_events.shop_pb(shop, public_url=self._deps.public_url)
