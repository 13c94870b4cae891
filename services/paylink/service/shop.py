# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of products, the shop and carts: message → command → flow → message."""

from typing import Any, Final, TypeAlias

import grpc

from incasso.paylink.v1 import shop_pb2 as pb
from incasso.paylink.v1.shop_pb2_grpc import ShopServiceServicer
from libs import pages, wire
from libs.errors import IdempotencyKeyMissing
from libs.idempotency import key_of
from services.paylink import shop_events
from services.paylink.deps import Deps
from services.paylink.flows import carts, products, shops
from services.paylink.rules.carts import CartState
from services.paylink.rules.products import ProductChange, ProductState, Shop, ShopChange, ShopEvent
from services.paylink.service.fields import channels_of, line_items_of, opt, recipient_of
from services.paylink.service.links import with_url

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_PRODUCT_STATES: Final = {
    pb.Product.STATE_UNSPECIFIED: None,
    pb.Product.STATE_ACTIVE: ProductState.ACTIVE,
    pb.Product.STATE_ARCHIVED: ProductState.ARCHIVED,
}
_SHOP_EVENTS: Final = {
    pb.Shop.STATE_UNSPECIFIED: None,
    pb.Shop.STATE_OPEN: ShopEvent.OPEN,
    pb.Shop.STATE_CLOSED: ShopEvent.CLOSE,
}
_CART_STATES: Final = {
    pb.Cart.STATE_UNSPECIFIED: None,
    pb.Cart.STATE_OPEN: CartState.OPEN,
    pb.Cart.STATE_RECOVERING: CartState.RECOVERING,
    pb.Cart.STATE_RECOVERED: CartState.RECOVERED,
    pb.Cart.STATE_COMPLETED: CartState.COMPLETED,
    pb.Cart.STATE_LOST: CartState.LOST,
}


class Shops(ShopServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreateProduct(
        self, request: pb.CreateProductRequest, rpc: Rpc
    ) -> pb.CreateProductResponse:
        cmd = products.CreateProduct(
            name=request.name,
            description=opt(request, "description"),
            price=wire.money_of(request.price),
            max_quantity=opt(request, "max_quantity"),
            position=opt(request, "position"),
            metadata=dict(request.metadata),
        )
        made = await products.create_product(self._deps, cmd, key_of(request, "CreateProduct"))
        return pb.CreateProductResponse(product=pb.Product.FromString(made))

    async def GetProduct(self, request: pb.GetProductRequest, rpc: Rpc) -> pb.GetProductResponse:
        found = await products.get_product(self._deps, request.product_id)
        return pb.GetProductResponse(product=shop_events.product_pb(found))

    async def ListProducts(
        self, request: pb.ListProductsRequest, rpc: Rpc
    ) -> pb.ListProductsResponse:
        page, state = pages.asked(request, "prd"), _PRODUCT_STATES[request.state]
        found = await products.list_products(self._deps, page, state)
        return pb.ListProductsResponse(
            data=[shop_events.product_pb(row) for row in found.rows], next_cursor=found.next_cursor
        )

    async def UpdateProduct(
        self, request: pb.UpdateProductRequest, rpc: Rpc
    ) -> pb.UpdateProductResponse:
        new = ProductChange(
            name=opt(request, "name"),
            description=opt(request, "description"),
            price=wire.money_of(request.price) if request.HasField("price") else None,
            max_quantity=opt(request, "max_quantity"),
            position=opt(request, "position"),
        )
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
        new = ShopChange(
            slug=opt(request, "slug"),
            event=_SHOP_EVENTS[request.state],
            title=opt(request, "title"),
            description=opt(request, "description"),
        )
        return pb.UpdateShopResponse(shop=self._shop(await shops.update_shop(self._deps, new)))

    async def CreateCart(self, request: pb.CreateCartRequest, rpc: Rpc) -> pb.CreateCartResponse:
        cmd = carts.CreateCart(
            reference=request.reference,
            recipient=recipient_of(request.recipient),
            line_items=line_items_of(request.line_items),
            currency=opt(request, "currency"),
            locale=opt(request, "locale"),
            recover_after_minutes=opt(request, "recover_after_minutes"),
            metadata=dict(request.metadata),
        )
        made = await carts.create_cart(self._deps, cmd, key_of(request, "CreateCart"))
        return pb.CreateCartResponse(cart=pb.Cart.FromString(made))

    async def GetCart(self, request: pb.GetCartRequest, rpc: Rpc) -> pb.GetCartResponse:
        found = await carts.get_cart(self._deps, request.cart_id)
        return pb.GetCartResponse(cart=shop_events.cart_pb(found))

    async def ListCarts(self, request: pb.ListCartsRequest, rpc: Rpc) -> pb.ListCartsResponse:
        page, state = pages.asked(request, "crt"), _CART_STATES[request.state]
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
        key = key_of(request, "RecoverCart")
        if key is None:
            raise IdempotencyKeyMissing
        cmd = carts.RecoverCart(
            cart_id=request.cart_id,
            channels=channels_of(request.channels),
            expires_in_days=opt(request, "expires_in_days"),
        )
        link_id, made = await carts.recover_cart(self._deps, cmd, key)
        return pb.RecoverCartResponse(payment_link=await with_url(self._deps, made, link_id))

    def _shop(self, shop: Shop) -> pb.Shop:
        return shop_events.shop_pb(shop, public_url=self._deps.public_url)
