"""Merchants do not see each other's shop, products and carts."""

from collections.abc import AsyncIterator

import pytest_asyncio

from incasso.paylink.v1 import shop_pb2 as pb
from libs import db, descriptors, ids
from libs.db import Database
from tests.services.merchants.logos import a_picture, as_text
from tests.services.paylink.shop_world import ShopWorld, open_shop_world, reason_of

# These name no object of a merchant.
WITHOUT_OBJECT = {
    "GetProductPicture",  # whoever has the name has seen the image
    "CreateProduct",
    "ListProducts",
    "GetShop",
    "UpdateShop",
    "CreateCart",
    "ListCarts",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("paylink"), pool_size=8, service="paylink")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database) -> AsyncIterator[ShopWorld]:
    async with open_shop_world(database) as opened:
        yield opened


async def test_every_rpc_hides_the_objects_of_another_merchant(world: ShopWorld):
    prd, crt = (await world.product()).id, (await world.cart()).id
    product, cart = ("product_not_found", 404), ("cart_not_found", 404)
    requests = {
        "GetProduct": (pb.GetProductRequest(product_id=prd), product),
        "UpdateProduct": (pb.UpdateProductRequest(product_id=prd, name="x"), product),
        "ArchiveProduct": (pb.ArchiveProductRequest(product_id=prd), product),
        "PutProductPicture": (
            pb.PutProductPictureRequest(product_id=prd, picture=as_text(a_picture())),
            product,
        ),
        "DeleteProductPicture": (pb.DeleteProductPictureRequest(product_id=prd), product),
        "GetCart": (pb.GetCartRequest(cart_id=crt), cart),
        "CompleteCart": (pb.CompleteCartRequest(cart_id=crt), cart),
        "RecoverCart": (pb.RecoverCartRequest(cart_id=crt), cart),
    }
    rpcs = {method.name for method in descriptors.service("incasso.paylink.v1.ShopService").methods}
    assert set(requests) == rpcs - WITHOUT_OBJECT
    other = world.neighbour()
    tables = "SELECT to_jsonb(p) FROM products AS p UNION ALL SELECT to_jsonb(c) FROM carts AS c"
    before = await world.rows(tables)
    for name, (request, reason) in requests.items():
        assert await reason_of(other.call(name, request, key=ids.new("key"))) == reason, name
    assert await world.rows(tables) == before
    assert not await world.links()
    assert not await other.links()


async def test_lists_and_the_shop_are_ones_own(world: ShopWorld):
    await world.product()
    await world.open_shop()
    await world.cart()
    other = world.neighbour()
    assert not (await other.call("ListProducts", pb.ListProductsRequest())).data
    assert not (await other.call("ListCarts", pb.ListCartsRequest())).data
    shop = other.call("GetShop", pb.GetShopRequest())
    assert await reason_of(shop) == ("shop_not_found", 404)


async def test_references_and_keys_of_two_merchants_are_two(world: ShopWorld):
    other = world.neighbour()
    request = world.cart_request()
    mine = (await world.call("CreateCart", request, key="k")).cart
    theirs = (await other.call("CreateCart", request, key="k")).cart
    assert mine.id != theirs.id
    assert await world.look(mine.id) == mine
