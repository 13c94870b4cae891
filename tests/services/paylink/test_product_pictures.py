"""Pictures of products: stored, replaced, removed, and shown by a name that changes with the image."""

import asyncio
from typing import Any

import pytest

from incasso.paylink.v1 import pages_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import client, context
from services.paylink.errors import PictureNotFound, PictureRefused, ProductArchived
from services.paylink.rules.pictures import MAX_BYTES, MAX_SIDE, product_picture_of
from tests.services.merchants.logos import a_picture, as_text
from tests.services.paylink.shop_world import ShopWorld, reason_of
from tests.waiting import HANGING_SECONDS


async def put(shop_world: ShopWorld, product: Any, content: bytes) -> Any:
    request = pb.PutProductPictureRequest(product_id=product.id, picture=as_text(content))
    return (await shop_world.call("PutProductPicture", request)).product


async def get(shop_world: ShopWorld, name: str) -> pb.GetProductPictureResponse:
    """As a caller without a merchant."""
    context.set_current(context.Call())
    request = pb.GetProductPictureRequest(picture_id=name)
    answer: pb.GetProductPictureResponse = await client.call(
        shop_world.shop.GetProductPicture, request, timeout_seconds=HANGING_SECONDS
    )
    return answer


async def test_a_picture_is_on_the_shops_page_and_readable_without_a_merchant(
    shop_world: ShopWorld,
):
    shop, product = await shop_world.open_shop(), await shop_world.product()
    png = a_picture()
    shown = await put(shop_world, product, png)
    found = await get(shop_world, shown.picture_id)
    assert (found.picture, found.media_type) == (png, "image/png")
    page = await shop_world.visit("GetShopPage", pages_pb2.GetShopPageRequest(slug=shop.slug))
    assert [one.picture_id for one in page.products] == [shown.picture_id]


async def test_a_new_picture_gets_a_new_name_and_the_same_picture_keeps_its_name(
    shop_world: ShopWorld,
):
    product = await shop_world.product()
    first = await put(shop_world, product, a_picture("PNG"))
    second = await put(shop_world, product, a_picture("JPEG"))
    assert first.picture_id != second.picture_id
    assert (await get(shop_world, second.picture_id)).media_type == "image/jpeg"
    assert await put(shop_world, product, a_picture("JPEG")) == second


async def test_concurrent_uploads_leave_one_picture(shop_world: ShopWorld):
    product = await shop_world.product()
    pictures = [a_picture(size=(40, side)) for side in range(20, 26)]
    await asyncio.gather(*(put(shop_world, product, picture) for picture in pictures))
    kept = (
        await shop_world.call("GetProduct", pb.GetProductRequest(product_id=product.id))
    ).product
    assert (await get(shop_world, kept.picture_id)).picture in pictures
    rows = await shop_world.rows(
        "SELECT id FROM product_pictures WHERE product_id = $1", product.id
    )
    assert [row["id"] for row in rows] == [kept.picture_id]


async def test_a_removed_picture_is_gone_and_removal_is_idempotent(
    shop_world: ShopWorld,
):
    product = await shop_world.product()
    unlike_any_other = a_picture(size=(77, 33))
    name = (await put(shop_world, product, unlike_any_other)).picture_id
    request = pb.DeleteProductPictureRequest(product_id=product.id)
    for _ in range(2):
        left = (await shop_world.call("DeleteProductPicture", request)).product
        assert not left.HasField("picture_id")
    assert await reason_of(get(shop_world, name)) == (PictureNotFound.reason, 404)


async def test_an_archived_product_keeps_its_picture(shop_world: ShopWorld):
    product = await shop_world.product()
    shown = await put(shop_world, product, a_picture())
    await shop_world.call("ArchiveProduct", pb.ArchiveProductRequest(product_id=product.id))
    refused = (ProductArchived.reason, 409)
    assert await reason_of(put(shop_world, product, a_picture("JPEG"))) == refused
    request = pb.DeleteProductPictureRequest(product_id=product.id)
    assert await reason_of(shop_world.call("DeleteProductPicture", request)) == refused
    assert (await get(shop_world, shown.picture_id)).picture == a_picture()


async def test_an_invalid_picture_is_refused_and_the_old_one_stays(shop_world: ShopWorld):
    product = await shop_world.product()
    shown = await put(shop_world, product, a_picture())
    for content in (b"<svg/>", a_picture() + b"more", a_picture()[:-5]):
        assert await reason_of(put(shop_world, product, content)) == (PictureRefused.reason, 422)
    kept = (
        await shop_world.call("GetProduct", pb.GetProductRequest(product_id=product.id))
    ).product
    assert kept.picture_id == shown.picture_id


@pytest.mark.parametrize("content", [a_picture(size=(MAX_SIDE + 1, 1)), bytes(MAX_BYTES + 1)])
def test_a_too_large_picture_is_refused(content: bytes):
    with pytest.raises(PictureRefused):
        product_picture_of(as_text(content))
