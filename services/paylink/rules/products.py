"""The one-page shop and its products: states, changes, the price of a purchase. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs.dataclass_copies import patched
from libs.errors import invalid
from libs.money import Money
from services.paylink import errors
from services.paylink.rules.drafting import LARGEST_MINOR

MAX_PRODUCTS: Final = 10_000  # active ones per merchant: a guard, not a plan limit
SHOWN_PRODUCTS: Final = 200  # on the shop's page
DEFAULT_MAX_QUANTITY: Final = 10
OPEN_PURCHASES: Final = 100  # unpaid ones per e-mail address within PURCHASE_DAY
PURCHASE_DAY: Final = timedelta(days=1)
PURCHASE_DAYS: Final = 1  # until an unpaid purchase expires


class ProductState(Enum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class ProductEvent(Enum):
    ARCHIVE = "archive"


PRODUCT_INITIAL: Final = ProductState.ACTIVE
PRODUCT_FINAL: Final = frozenset({ProductState.ARCHIVED})
PRODUCT_TRANSITIONS: Final[Mapping[tuple[ProductState, ProductEvent], ProductState]] = {
    (ProductState.ACTIVE, ProductEvent.ARCHIVE): ProductState.ARCHIVED,
}


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the shop."""

    id: str
    merchant_id: str
    state: ProductState
    name: str
    description: str | None
    price: Money
    max_quantity: int
    position: int
    metadata: Mapping[str, str]
    created_at: datetime
    picture_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProductChange:
    """None keeps the current value; an empty description removes it."""

    name: str | None = None
    description: str | None = None
    price: Money | None = None
    max_quantity: int | None = None
    position: int | None = None


def room_for_product(active: int) -> None:
    """Raises TooManyProducts if `active` is already the maximum."""
    if active >= MAX_PRODUCTS:
        raise errors.TooManyProducts


def change_product(product: Product, new: ProductChange) -> Product:
    if product.state is ProductState.ARCHIVED:
        raise errors.ProductArchived
    return patched(product, new)


def show(product: Product, picture_id: str | None) -> Product:
    """With this picture, or without one."""
    if product.state is ProductState.ARCHIVED:
        raise errors.ProductArchived
    return replace(product, picture_id=picture_id)


def archive(product: Product) -> Product:
    """Archiving again changes nothing."""
    if product.state is ProductState.ARCHIVED:
        return product
    return replace(product, state=PRODUCT_TRANSITIONS[product.state, ProductEvent.ARCHIVE])


def on_sale(product: Product | None) -> Product:
    """Raises ProductNotFound if it is not for sale (any more)."""
    if product is None or product.state is not ProductState.ACTIVE:
        raise errors.ProductNotFound
    return product


def purchase(product: Product, *, quantity: int, shown_minor: int) -> Money:
    """The price of `quantity`. Raises AmountChanged if the price of one is not the one shown."""
    if shown_minor != product.price.amount_minor:
        raise errors.AmountChanged
    if not 1 <= quantity <= product.max_quantity:
        raise invalid("quantity", f"must be 1 to {product.max_quantity}")
    total = product.price.amount_minor * quantity
    if total > LARGEST_MINOR:
        raise invalid("quantity", "makes the amount too large for one payment")
    return Money(total, product.price.currency)


def room_for_purchase(unpaid: int) -> None:
    """Raises TooManyPurchases if `unpaid` is already the maximum for the address."""
    if unpaid >= OPEN_PURCHASES:
        raise errors.TooManyPurchases


class ShopState(Enum):
    OPEN = "open"
    CLOSED = "closed"


class ShopEvent(Enum):
    OPEN = "open"
    CLOSE = "close"


SHOP_INITIAL: Final = frozenset({ShopState.OPEN, ShopState.CLOSED})
SHOP_FINAL: Final[frozenset[ShopState]] = frozenset()
SHOP_TRANSITIONS: Final[Mapping[tuple[ShopState, ShopEvent], ShopState]] = {
    (ShopState.OPEN, ShopEvent.CLOSE): ShopState.CLOSED,
    (ShopState.OPEN, ShopEvent.OPEN): ShopState.OPEN,
    (ShopState.CLOSED, ShopEvent.OPEN): ShopState.OPEN,
    (ShopState.CLOSED, ShopEvent.CLOSE): ShopState.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant's page of products; `slug` is the last part of its URL."""

    merchant_id: str
    slug: str
    state: ShopState
    title: str | None
    description: str | None
    created_at: datetime
    instalments: bool = False  # whether purchases can be paid in instalments


@dataclass(frozen=True, slots=True)
class ShopChange:
    """None keeps the current value; an empty text removes it."""

    slug: str | None = None
    event: ShopEvent | None = None
    title: str | None = None
    description: str | None = None
    instalments: bool | None = None


def first_shop(merchant_id: str, new: ShopChange, now: datetime) -> Shop:
    """A new shop: open by default. It needs a slug."""
    if new.slug is None:
        raise invalid("slug", "is required to open the shop")
    closed = new.event is ShopEvent.CLOSE
    return Shop(
        merchant_id=merchant_id,
        slug=new.slug,
        state=ShopState.CLOSED if closed else ShopState.OPEN,
        title=new.title or None,
        description=new.description or None,
        created_at=now,
        instalments=bool(new.instalments),
    )


def change_shop(shop: Shop, new: ShopChange) -> Shop:
    state = shop.state if new.event is None else SHOP_TRANSITIONS[shop.state, new.event]
    return replace(patched(shop, new), state=state)


def open_shop(shop: Shop | None) -> Shop:
    """The shop if it is open to shoppers. Raises ShopNotFound otherwise, whatever the reason."""
    if shop is None or shop.state is not ShopState.OPEN:
        raise errors.ShopNotFound
    return shop
