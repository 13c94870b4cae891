"""The merchant's one-page shop and its products: open it; create, change and archive products."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from libs.money import Money
from libs.pictures import Picture
from services.paylink import events
from services.paylink.deps import Deps
from services.paylink.errors import PictureNotFound, ProductNotFound, ShopNotFound
from services.paylink.rules import products as rules
from services.paylink.rules.products import Product, ProductChange, Shop, ShopChange
from services.paylink.store import pictures
from services.paylink.store import shop as store
from services.paylink.store.shop import PRODUCTS


@dataclass(frozen=True, slots=True)
class CreateProduct:
    """None for what the caller left out."""

    name: str
    description: str | None
    price: Money
    max_quantity: int | None
    position: int | None
    metadata: Mapping[str, str]


async def create_product(deps: Deps, cmd: CreateProduct, key: Key | None) -> bytes:
    """Returns the Product message, the same for the same key."""

    async def create(tx: Conn, product_id: str) -> Message:
        product = copy_as(
            Product,
            cmd,
            id=product_id,
            merchant_id=context.merchant_id(),
            state=rules.PRODUCT_INITIAL,
            description=cmd.description or None,
            max_quantity=cmd.max_quantity or rules.DEFAULT_MAX_QUANTITY,
            position=cmd.position or 0,
            created_at=deps.clock.now(),
        )
        rules.room_for_product(await store.count_products(tx, product.merchant_id))
        await PRODUCTS.add(tx, product)
        return events.product_pb(product)

    return (await idempotency.once(deps.db, key, ids.new("prd"), create)).body


async def update_product(deps: Deps, product_id: str, new: ProductChange) -> Product:
    async with deps.db.transaction() as tx:
        before = await _locked(tx, product_id)
        after = rules.change_product(before, new)
        await store.save_product(tx, after)
    return after


async def archive_product(deps: Deps, product_id: str) -> Product:
    async with deps.db.transaction() as tx:
        before = await _locked(tx, product_id)
        after = rules.archive(before)
        await store.save_product(tx, after)
    return after


async def put_product_picture(deps: Deps, product_id: str, picture: Picture) -> Product:
    """The product with this picture instead of any earlier one."""
    async with deps.db.transaction() as tx:
        after = rules.show(await _locked(tx, product_id), picture.id)
        await pictures.save_picture(tx, after, picture, now=deps.clock.now())
        await store.save_product(tx, after)
    return after


async def delete_product_picture(deps: Deps, product_id: str) -> Product:
    """The product without a picture. Deleting it again changes nothing."""
    async with deps.db.transaction() as tx:
        after = rules.show(await _locked(tx, product_id), None)
        await pictures.delete_picture(tx, after)
        await store.save_product(tx, after)
    return after


async def get_product_picture(deps: Deps, picture_id: str) -> Picture:
    """Raises PictureNotFound."""
    async with deps.db.connection() as conn:
        return required(await pictures.get_picture(conn, picture_id), PictureNotFound)


async def _locked(tx: Conn, product_id: str) -> Product:
    return required(await PRODUCTS.lock(tx, context.merchant_id(), product_id), ProductNotFound)


async def get_shop(deps: Deps) -> Shop:
    """The merchant's own shop, even if it is closed."""
    return required(await deps.db.run(store.get_shop, context.merchant_id()), ShopNotFound)


async def update_shop(deps: Deps, new: ShopChange) -> Shop:
    """Opens the shop on the first call, which needs a slug."""
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        before = await store.lock_shop(tx, merchant_id)
        if before is None:
            first = rules.first_shop(merchant_id, new, deps.clock.now())
            if await store.insert_shop(tx, first):
                return first
            before = required(await store.lock_shop(tx, merchant_id), ShopNotFound)
        after = rules.change_shop(before, new)
        await store.save_shop(tx, after)
    return after
