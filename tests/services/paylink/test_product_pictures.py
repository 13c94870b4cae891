"""Pictures of products: stored, replaced, removed, and shown by a name that changes with the image."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from incasso.paylink.v1 import pages_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import client, context, db
from libs.db import Database
from services.paylink.errors import PictureNotFound, PictureRefused, ProductArchived
from services.paylink.rules.pictures import MAX_BYTES, MAX_SIDE, product_picture_of
from tests.services.merchants.logos import a_picture, as_text
from tests.services.paylink.shop_world import ShopWorld, open_shop_world, reason_of
from tests.waiting import HANGING_SECONDS


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("paylink"), pool_size=4, service="paylink")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database) -> AsyncIterator[ShopWorld]:
    async with open_shop_world(database) as opened:
        yield opened


async def put(world: ShopWorld, product: Any, content: bytes) -> Any:
    request = pb.PutProductPictureRequest(product_id=product.id, picture=as_text(content))
    return (await world.call("PutProductPicture", request)).product


async def get(world: ShopWorld, name: str) -> pb.GetProductPictureResponse:
    """As somebody who is no merchant's."""
    context.set_current(context.Call())
    request = pb.GetProductPictureRequest(picture_id=name)
    answer: pb.GetProductPictureResponse = await client.call(
        world.shop.GetProductPicture, request, timeout_seconds=HANGING_SECONDS
    )
    return answer


async def test_a_picture_is_on_the_shops_page_and_belongs_to_nobody_who_asks(world: ShopWorld):
    shop, product = await world.open_shop(), await world.product()
    png = a_picture()
    shown = await put(world, product, png)
    found = await get(world, shown.picture_id)
    assert (found.picture, found.media_type) == (png, "image/png")
    page = await world.visit("GetShopPage", pages_pb2.GetShopPageRequest(slug=shop.slug))
    assert [one.picture_id for one in page.products] == [shown.picture_id]


async def test_another_picture_has_another_name_and_replaces_the_first(world: ShopWorld):
    product = await world.product()
    first = await put(world, product, a_picture("PNG"))
    second = await put(world, product, a_picture("JPEG"))
    assert first.picture_id != second.picture_id
    assert (await get(world, second.picture_id)).media_type == "image/jpeg"
    assert await put(world, product, a_picture("JPEG")) == second


async def test_two_pictures_at_once_leave_one_that_is_the_products_own(world: ShopWorld):
    product = await world.product()
    pictures = [a_picture(size=(40, side)) for side in range(20, 26)]
    await asyncio.gather(*(put(world, product, picture) for picture in pictures))
    kept = (await world.call("GetProduct", pb.GetProductRequest(product_id=product.id))).product
    assert (await get(world, kept.picture_id)).picture in pictures
    rows = await world.rows("SELECT id FROM product_pictures WHERE product_id = $1", product.id)
    assert [row["id"] for row in rows] == [kept.picture_id]


async def test_a_removed_picture_is_gone_and_removing_it_again_changes_nothing(world: ShopWorld):
    product = await world.product()
    unlike_any_other = a_picture(size=(77, 33))
    name = (await put(world, product, unlike_any_other)).picture_id
    request = pb.DeleteProductPictureRequest(product_id=product.id)
    for _ in range(2):
        left = (await world.call("DeleteProductPicture", request)).product
        assert not left.HasField("picture_id")
    assert await reason_of(get(world, name)) == (PictureNotFound.reason, 404)


async def test_an_archived_product_keeps_its_picture(world: ShopWorld):
    product = await world.product()
    shown = await put(world, product, a_picture())
    await world.call("ArchiveProduct", pb.ArchiveProductRequest(product_id=product.id))
    refused = (ProductArchived.reason, 409)
    assert await reason_of(put(world, product, a_picture("JPEG"))) == refused
    request = pb.DeleteProductPictureRequest(product_id=product.id)
    assert await reason_of(world.call("DeleteProductPicture", request)) == refused
    assert (await get(world, shown.picture_id)).picture == a_picture()


async def test_a_file_that_is_no_picture_is_refused_and_the_old_one_stays(world: ShopWorld):
    product = await world.product()
    shown = await put(world, product, a_picture())
    for content in (b"<svg/>", a_picture() + b"more", a_picture()[:-5]):
        assert await reason_of(put(world, product, content)) == (PictureRefused.reason, 422)
    kept = (await world.call("GetProduct", pb.GetProductRequest(product_id=product.id))).product
    assert kept.picture_id == shown.picture_id


@pytest.mark.parametrize("content", [a_picture(size=(MAX_SIDE + 1, 1)), bytes(MAX_BYTES + 1)])
def test_a_picture_of_a_product_is_not_too_large(content: bytes):
    with pytest.raises(PictureRefused):
        product_picture_of(as_text(content))
