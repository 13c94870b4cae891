"""Merchants do not see each other's shop, products and carts."""

from incasso.paylink.v1 import shop_pb2 as pb
from libs import descriptors, ids
from tests.services.merchants.logos import a_picture, as_text
from tests.services.paylink.shop_world import ShopWorld, reason_of

# The requests of these name no object of a merchant.
WITHOUT_OBJECT = {
    "GetProductPicture",  # only those who have seen the image know its name
    "CreateProduct",
    "ListProducts",
    "GetShop",
    "UpdateShop",
    "CreateCart",
    "ListCarts",
}


async def test_every_rpc_hides_the_objects_of_another_merchant(shop_world: ShopWorld):
    prd, crt = (await shop_world.product()).id, (await shop_world.cart()).id
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
    other = shop_world.neighbour()
    tables = "SELECT to_jsonb(p) FROM products AS p UNION ALL SELECT to_jsonb(c) FROM carts AS c"
    before = await shop_world.rows(tables)
    for name, (request, reason) in requests.items():
        assert await reason_of(other.call(name, request, key=ids.new("key"))) == reason, name
    assert await shop_world.rows(tables) == before
    assert not await shop_world.links()
    assert not await other.links()


async def test_lists_and_the_shop_hide_other_merchants_data(shop_world: ShopWorld):
    await shop_world.product()
    await shop_world.open_shop()
    await shop_world.cart()
    other = shop_world.neighbour()
    assert not (await other.call("ListProducts", pb.ListProductsRequest())).data
    assert not (await other.call("ListCarts", pb.ListCartsRequest())).data
    shop = other.call("GetShop", pb.GetShopRequest())
    assert await reason_of(shop) == ("shop_not_found", 404)


async def test_two_merchants_can_use_the_same_reference_and_key(shop_world: ShopWorld):
    other = shop_world.neighbour()
    request = shop_world.cart_request()
    mine = (await shop_world.call("CreateCart", request, key="k")).cart
    theirs = (await other.call("CreateCart", request, key="k")).cart
    assert mine.id != theirs.id
    assert await shop_world.get_cart(mine.id) == mine
