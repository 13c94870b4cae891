"""Products in the console: created, changed, shown with their pictures; and the shop's own page."""

import aiohttp
import pytest

from incasso.paylink.v1 import shop_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.samples import PRODUCT_ID, money
from tests.services.console.shop_samples import PICTURE, product

LIST = "/links/products"
ONE = f"{LIST}/{PRODUCT_ID}"
SHOP = "/links/shop"
TYPED = {
    "name": "Olio",
    "description": "Della casa",
    "price": "45,90",
    "max_quantity": "6",
    "position": "2",
}


async def upload(console: Console, content: bytes) -> tuple[int, str, str]:
    form = aiohttp.FormData()
    for name, value in {"proof": await console.proof(), "key": "", "here": ONE}.items():
        form.add_field(name, value)
    form.add_field("picture", content, filename="olio.png", content_type="image/png")
    async with console.request("POST", f"{ONE}/picture", data=form) as response:
        return response.status, response.headers.get("Location", ""), await response.text()


async def test_a_product_is_created_as_typed(console: Console):
    _, place, _ = await console.post(f"{LIST}/new", TYPED)
    assert place == f"{ONE}?notice=created"
    made = console.services.last("CreateProduct").request
    assert (made.name, made.description, made.price) == ("Olio", "Della casa", money(4590))
    assert (made.max_quantity, made.position) == (6, 2)


async def test_a_product_is_changed_and_its_description_removed(console: Console):
    page = await console.page(ONE)
    assert 'value="45.90"' in page
    _, place, _ = await console.post(ONE, {**TYPED, "price": "50", "description": ""})
    assert place == f"{ONE}?notice=saved"
    saved = console.services.last("UpdateProduct").request
    assert (saved.price, saved.description) == (money(5000), "")
    assert saved.HasField("description")
    assert '"Olio extravergine 5 l"' in console.services.last("RecordIntent").request.before


async def test_an_unreadable_price_is_explained_and_kept_in_the_form(console: Console):
    status, _, page = await console.post(ONE, {**TYPED, "price": "cheap"})
    assert status == 400
    assert "Not an amount" in page
    assert 'value="cheap"' in page
    assert console.services.calls("UpdateProduct") == 0


async def test_a_product_is_archived_and_then_read_only(console: Console):
    _, place, _ = await console.post(f"{ONE}/archive", {})
    assert place == f"{LIST}?notice=archived"
    old = shop_pb2.GetProductResponse(product=product(state=shop_pb2.Product.STATE_ARCHIVED))
    console.services.answers["GetProduct"] = old
    page = await console.page(ONE)
    assert f"{ONE}/archive" not in page
    assert f'{ONE}/picture"' not in page


async def test_a_picture_is_uploaded_shown_and_removed(console: Console):
    _, place, _ = await upload(console, PICTURE)
    assert place == f"{ONE}?notice=picture_saved"
    asked = console.services.last("PutProductPicture").request
    assert asked.product_id == PRODUCT_ID
    assert "picture" not in console.services.last("RecordIntent").request.after
    async with console.request("GET", f"/links/pictures/{product().picture_id}") as response:
        assert await response.read() == PICTURE
        assert response.content_type == "image/png"
    _, place, _ = await console.post(f"{ONE}/picture/delete", {})
    assert place == f"{ONE}?notice=picture_deleted"


@pytest.mark.parametrize(
    ("content", "expected"), [(b"", "Choose a file"), (bytes(200 * 1024 + 1), "up to 200 KiB")]
)
async def test_a_missing_or_too_large_picture_is_refused(
    console: Console, content: bytes, expected: str
):
    if content:
        status, _, page = await upload(console, content)
    else:
        status, _, page = await console.post(f"{ONE}/picture", {})
    assert status == 400
    assert expected in page
    assert console.services.calls("PutProductPicture") == 0


async def test_a_picture_refused_by_the_service_shows_why(console: Console):
    refusal = RemoteRefusal(Kind.UNPROCESSABLE, "picture_refused", "It is cut off.")
    console.services.answers["PutProductPicture"] = refusal
    status, _, page = await upload(console, PICTURE[:-4])
    assert status == 422
    assert "PNG or JPEG" in page


async def test_the_first_shop_form_opens_the_shop(console: Console):
    missing = RemoteRefusal(Kind.NOT_FOUND, "shop_not_found", "Open it first.")
    console.services.answers["GetShop"] = missing
    assert 'value="bottega"' not in await console.page(SHOP)
    fields = {"slug": "Bottega", "title": "La Bottega", "open": "yes"}
    _, place, _ = await console.post(SHOP, fields)
    assert place == f"{SHOP}?notice=shop_open"
    asked = console.services.last("UpdateShop").request
    assert (asked.slug, asked.title, asked.description) == ("bottega", "La Bottega", "")
    assert asked.state == shop_pb2.Shop.STATE_OPEN
    assert asked.HasField("instalments")
    assert not asked.instalments


async def test_the_shop_is_closed_and_a_taken_address_is_explained(console: Console):
    assert "https://pay.example/shop/bottega" in await console.page(SHOP)
    _, place, _ = await console.post(SHOP, {"slug": "bottega"})
    assert place == f"{SHOP}?notice=shop_closed"
    assert console.services.last("UpdateShop").request.state == shop_pb2.Shop.STATE_CLOSED
    taken = RemoteRefusal(Kind.CONFLICT, "slug_taken", "Another shop has it.")
    console.services.answers["UpdateShop"] = taken
    status, _, page = await console.post(SHOP, {"slug": "verdi"})
    assert status == 409
    assert "Choose another" in page


async def test_a_viewer_sees_no_buttons_to_change_products_or_the_shop(console: Console):
    console.act_as(Role.VIEWER)
    assert f"{LIST}/new" not in await console.page(LIST)
    assert ">Save<" not in await console.page(ONE)
    assert ">Save<" not in await console.page(SHOP)
