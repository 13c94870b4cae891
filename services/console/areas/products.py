"""What the one-page shop sells: products with their pictures; and the shop's own page."""

import base64
from collections.abc import AsyncIterator
from typing import Final

from incasso.common.v1 import money_pb2
from incasso.paylink.v1 import shop_pb2
from libs.downloads import Download
from libs.errors import Kind, Refusal, invalid
from libs.money import Money
from services.console.areas.settings.fields import ticked
from services.console.listing import filters, rows
from services.console.page import Html, Page, See, Sent, get, post
from services.console.rules.amounts import amount_of, typed
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "links_products"
STATES: Final = ("active", "archived")
LIST: Final = "/links/products"
NEW: Final = f"{LIST}/new"
ONE: Final = f"{LIST}/{{product_id}}"
SHOP: Final = "/links/shop"
MOST_OF_PICTURE: Final = 200 * 1024  # the service's limit
MOST_OF_FILE: Final = 8 * 1024 * 1024  # higher, to refuse a large picture at its field


async def listed(visit: Visit) -> Html:
    found = await rows(visit, shop_pb2.ListProductsRequest(), "products", "state")
    return Html("products.html", {**found, "filters": filters(visit, LIST, "state", STATES)})


async def form(visit: Visit) -> Html:
    return Html("product.html", {"product": None, "price": "", "writes": True})


async def create(visit: Visit) -> See:
    request = shop_pb2.CreateProductRequest(
        name=visit.typed("name"),
        description=visit.typed("description") or None,
        price=_price(visit, visit.currency),
        max_quantity=visit.number("max_quantity") or None,
        position=visit.number("position"),
    )
    answer = await visit.change(request)
    return See(f"{LIST}/{answer.product.id}", notice="created")


async def one(visit: Visit) -> Html:
    product = await _product(visit)
    state = enum(product, "state")
    price = typed(Money(product.price.amount_minor, product.price.currency))
    writes = visit.who.holds("shop:write") and state == "active"
    shown = {"product": product, "state": state, "price": price, "writes": writes}
    return Html("product.html", shown)


async def save(visit: Visit) -> See:
    """Existing links keep their price."""
    before = await _product(visit)
    request = shop_pb2.UpdateProductRequest(
        product_id=before.id,
        name=visit.typed("name"),
        description=visit.typed("description"),
        price=_price(visit, before.price.currency),
        max_quantity=visit.number("max_quantity") or None,
        position=visit.number("position"),
    )
    await visit.change(request, subject=before.id, before=before)
    return See(f"{LIST}/{before.id}", notice="saved")


async def archive(visit: Visit) -> See:
    before = await _product(visit)
    request = shop_pb2.ArchiveProductRequest(product_id=before.id)
    await visit.change(request, subject=before.id, before=before)
    return See(LIST, notice="archived")


async def put_picture(visit: Visit) -> See:
    """The service checks the picture and says what is wrong with it."""
    if visit.file is None:
        raise invalid("picture", visit.word("picture_missing"))
    if len(visit.file.content) > MOST_OF_PICTURE:
        raise invalid("picture", visit.word("picture_hint"))
    before = await _product(visit)
    picture = base64.b64encode(visit.file.content).decode()
    request = shop_pb2.PutProductPictureRequest(product_id=before.id, picture=picture)
    await visit.change(request, subject=before.id, before=before)
    return See(f"{LIST}/{before.id}", notice="picture_saved")


async def delete_picture(visit: Visit) -> See:
    before = await _product(visit)
    request = shop_pb2.DeleteProductPictureRequest(product_id=before.id)
    await visit.change(request, subject=before.id, before=before)
    return See(f"{LIST}/{before.id}", notice="picture_deleted")


async def picture(visit: Visit) -> Sent:
    """Serves a picture from here, so that the page needs no other origin."""
    wanted = shop_pb2.GetProductPictureRequest(picture_id=visit.part("picture_id"))
    found = await visit.ask(wanted)
    kind = "png" if found.media_type == "image/png" else "jpeg"
    content = bytes(found.picture)
    return Sent(Download(f"picture.{kind}", f"image/{kind}", _piece(content), len(content)))


async def shop(visit: Visit) -> Html:
    """The shop's address and introduction; or the form that opens it."""
    found = await _shop(visit)
    state = enum(found, "state") if found is not None else "open"
    writes = visit.who.holds("shop:write")
    shown = {"shop": found, "state": state, "writes": writes, "tab": "links_shop"}
    return Html("shop.html", shown)


async def save_shop(visit: Visit) -> See:
    before = await _shop(visit)
    is_open = ticked(visit, "open")
    states = shop_pb2.Shop
    request = shop_pb2.UpdateShopRequest(
        slug=visit.typed("slug").lower(),
        title=visit.typed("title"),
        description=visit.typed("description"),
        state=states.STATE_OPEN if is_open else states.STATE_CLOSED,
        instalments=ticked(visit, "instalments"),
    )
    await visit.change(request, before=before)
    return See(SHOP, notice="shop_open" if is_open else "shop_closed")


async def _shop(visit: Visit) -> shop_pb2.Shop | None:
    """None if it was never opened."""
    try:
        found: shop_pb2.Shop = (await visit.ask(shop_pb2.GetShopRequest())).shop
    except Refusal as refusal:
        if refusal.kind is Kind.NOT_FOUND:
            return None
        raise
    return found


def _price(visit: Visit, currency: str) -> money_pb2.Money:
    amount = amount_of(visit.typed("price"), currency)
    if amount is None:
        raise invalid("price", visit.word("amount_unreadable"))
    return money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency)


async def _product(visit: Visit) -> shop_pb2.Product:
    wanted = shop_pb2.GetProductRequest(product_id=visit.part("product_id"))
    found: shop_pb2.Product = (await visit.ask(wanted)).product
    return found


async def _piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


READS: Final = "paylink.GetProduct"
PICTURE: Final = "paylink.PutProductPicture"
PAGES: Final[tuple[Page, ...]] = (
    get(LIST, listed, AREA, "paylink.ListProducts", filters=("state",)),
    get(NEW, form, AREA, "paylink.CreateProduct"),
    post(NEW, create, AREA, "paylink.CreateProduct", again=form),
    get(ONE, one, AREA, READS),
    post(ONE, save, AREA, READS, "paylink.UpdateProduct", again=one),
    post(f"{ONE}/archive", archive, AREA, READS, "paylink.ArchiveProduct", again=one),
    post(f"{ONE}/picture", put_picture, AREA, READS, PICTURE, again=one, most_of_file=MOST_OF_FILE),
    post(
        f"{ONE}/picture/delete",
        delete_picture,
        AREA,
        READS,
        "paylink.DeleteProductPicture",
        again=one,
    ),
    get("/links/pictures/{picture_id}", picture, AREA, "paylink.GetProductPicture", is_file=True),
    get(SHOP, shop, AREA, "paylink.GetShop"),
    post(SHOP, save_shop, AREA, "paylink.GetShop", "paylink.UpdateShop", again=shop),
)
