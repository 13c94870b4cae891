"""Rules of the one-page shop."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.errors import InvalidArgument
from libs.money import Money
from services.paylink.errors import (
    AmountChanged,
    ProductArchived,
    ProductNotFound,
    ShopNotFound,
    TooManyProducts,
    TooManyPurchases,
)
from services.paylink.rules import products
from services.paylink.rules.drafting import LARGEST_MINOR
from services.paylink.rules.products import (
    Product,
    ProductChange,
    ProductState,
    Shop,
    ShopChange,
    ShopEvent,
    ShopState,
)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
OIL = Product(
    id="prd_1",
    merchant_id="mer_1",
    state=ProductState.ACTIVE,
    name="Olio extravergine 5 l",
    description="Della casa",
    price=Money(4590, "EUR"),
    max_quantity=10,
    position=1,
    metadata={},
    created_at=NOW,
)
SHOP = Shop("mer_1", "bottega", ShopState.OPEN, "La Bottega", None, NOW)


def test_a_change_keeps_the_fields_it_does_not_name():
    assert products.change_product(OIL, ProductChange()) == OIL
    dearer = products.change_product(OIL, ProductChange(price=Money(4990, "EUR"), position=0))
    assert dearer == replace(OIL, price=Money(4990, "EUR"), position=0)


def test_an_empty_description_removes_it():
    assert products.change_product(OIL, ProductChange(description="")).description is None


def test_an_archived_product_cannot_be_changed_or_bought():
    archived = products.archive(OIL)
    assert products.archive(archived) == archived
    with pytest.raises(ProductArchived):
        products.change_product(archived, ProductChange(name="x"))
    assert products.on_sale(OIL) is OIL
    for gone in (archived, None):
        with pytest.raises(ProductNotFound):
            products.on_sale(gone)


@given(st.integers(1, 10**9), st.integers(1, 1000))
def test_a_purchase_costs_its_quantity_times_the_price(price: int, quantity: int):
    product = replace(OIL, price=Money(price, "EUR"), max_quantity=1000)
    if price * quantity > LARGEST_MINOR:
        with pytest.raises(InvalidArgument):
            products.purchase(product, quantity=quantity, shown_minor=price)
    else:
        paid = products.purchase(product, quantity=quantity, shown_minor=price)
        assert paid == Money(price * quantity, "EUR")


def test_a_purchase_at_an_outdated_price_is_refused():
    with pytest.raises(AmountChanged):
        products.purchase(OIL, quantity=1, shown_minor=4589)


@pytest.mark.parametrize("quantity", [-1, 0, 11])
def test_a_quantity_out_of_range_is_refused_by_field(quantity: int):
    with pytest.raises(InvalidArgument) as refused:
        products.purchase(OIL, quantity=quantity, shown_minor=4590)
    assert refused.value.violations[0].field == "quantity"


def test_product_and_purchase_limits_refuse_only_at_the_limit():
    products.room_for_product(products.MAX_PRODUCTS - 1)
    products.room_for_purchase(products.OPEN_PURCHASES - 1)
    with pytest.raises(TooManyProducts):
        products.room_for_product(products.MAX_PRODUCTS)
    with pytest.raises(TooManyPurchases):
        products.room_for_purchase(products.OPEN_PURCHASES)


def test_the_first_change_of_a_shop_opens_it_and_needs_a_slug():
    opened = products.first_shop("mer_1", ShopChange(slug="bottega", title="La Bottega"), NOW)
    assert opened == SHOP
    closed = products.first_shop("mer_1", ShopChange(slug="b-1", event=ShopEvent.CLOSE), NOW)
    assert closed.state is ShopState.CLOSED
    with pytest.raises(InvalidArgument) as refused:
        products.first_shop("mer_1", ShopChange(title="La Bottega"), NOW)
    assert refused.value.violations[0].field == "slug"


def test_a_shop_closes_and_opens_again():
    closed = products.change_shop(SHOP, ShopChange(event=ShopEvent.CLOSE))
    assert closed == replace(SHOP, state=ShopState.CLOSED)
    assert products.change_shop(closed, ShopChange()) == closed
    assert products.change_shop(closed, ShopChange(event=ShopEvent.OPEN)) == SHOP


def test_a_closed_shop_is_not_found():
    assert products.open_shop(SHOP) is SHOP
    for shop in (None, replace(SHOP, state=ShopState.CLOSED)):
        with pytest.raises(ShopNotFound):
            products.open_shop(shop)


def test_an_empty_title_removes_it():
    assert products.change_shop(SHOP, ShopChange(title="")).title is None


def test_a_shop_takes_instalments_only_once_enabled():
    assert not products.first_shop("mer_1", ShopChange(slug="bottega"), NOW).instalments
    asked = products.change_shop(SHOP, ShopChange(instalments=True))
    assert asked.instalments
    assert products.change_shop(asked, ShopChange(title="x")).instalments
    assert not products.change_shop(asked, ShopChange(instalments=False)).instalments
