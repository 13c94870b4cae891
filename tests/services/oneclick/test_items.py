"""An order's items, and those that remain after removals, as pure rules."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.errors import InvalidArgument
from libs.money import Money
from services.oneclick.errors import ItemNotRemovable
from services.oneclick.rules import items
from services.oneclick.rules.items import Item, Removal

SHOES = Item("shoes", "Scarpe", 2, 2000, fixed=False)
SOCKS = Item("socks", "Calze", 3, 500, fixed=False)
SHIPPING = Item("shipping", "Spedizione", 1, 490, fixed=True)
ORDER = (SHOES, SOCKS, SHIPPING)


def test_an_orders_items_must_sum_to_its_amount():
    items.check(ORDER, Money(5990, "EUR"))
    items.check((), Money(5990, "EUR"))
    with pytest.raises(InvalidArgument) as refused:
        items.check(ORDER, Money(5991, "EUR"))
    assert refused.value.violations[0].description == (
        "must sum to the amount 59.91 EUR, not to 59.90 EUR"
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        (replace(SOCKS, id="shoes"), "items.1.id"),
        (replace(SOCKS, unit_amount_minor=-1), "items.1.unit_amount_minor"),
    ],
)
def test_item_ids_are_unique_and_only_fixed_items_may_be_discounts(changed, field):
    with pytest.raises(InvalidArgument) as refused:
        items.check((SHOES, changed), Money(1, "EUR"))
    assert refused.value.violations[0].field == field


def test_items_can_be_removed_wholly_or_partly():
    left = items.without(ORDER, [Removal("shoes", 1), Removal("socks", None)])
    assert left == (replace(SHOES, quantity=1), SHIPPING)
    assert items.total_minor(left) == 2490
    assert items.removed(ORDER, left) == [Removal("shoes", 1), Removal("socks", 3)]


def test_an_order_left_with_only_fixed_items_becomes_empty():
    assert items.without(ORDER, [Removal("shoes", 2), Removal("socks", None)]) == ()


@pytest.mark.parametrize(
    "removals",
    [
        [Removal("shipping", None)],
        [Removal("hat", 1)],
        [Removal("shoes", 3)],
        [Removal("shoes", 2), Removal("shoes", 1)],
    ],
)
def test_fixed_unknown_or_excess_items_cannot_be_removed(removals):
    with pytest.raises(ItemNotRemovable):
        items.without(ORDER, removals)


def test_a_removal_is_refused_if_a_discount_exceeds_the_rest():
    order = (SHOES, SOCKS, Item("discount", "Sconto", 1, -2000, fixed=True))
    with pytest.raises(ItemNotRemovable):
        items.without(order, [Removal("shoes", None)])


order_items = st.lists(
    st.builds(
        Item,
        id=st.uuids().map(str),
        name=st.just("x"),
        quantity=st.integers(1, 9),
        unit_amount_minor=st.integers(0, 10**6),
        fixed=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@given(order_items, st.data())
def test_removing_never_raises_the_amount_and_takes_off_the_price(order, data):
    chosen = data.draw(st.lists(st.sampled_from(order), unique_by=lambda item: item.id))
    removals = [Removal(item.id, data.draw(st.integers(1, item.quantity))) for item in chosen]
    prices = {item.id: item.unit_amount_minor for item in order}
    try:
        left = items.without(order, removals)
    except ItemNotRemovable:
        return
    if left:
        off = sum(prices[removal.item_id] * removal.quantity for removal in removals)
        assert items.total_minor(left) == items.total_minor(order) - off
