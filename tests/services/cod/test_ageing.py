"""Money that couriers have not passed on, by its age: summed on a real PostgreSQL."""

from datetime import UTC, datetime, time, timedelta

import pytest

from libs import clock
from services.cod import worker
from tests.services.cod.orders import Shop, event
from tests.services.cod.remitting import collected_order, committed, line, shop_of, state_of

AGES = (
    "days_0_to_7_minor", "days_8_to_15_minor", "days_16_to_30_minor", "days_over_30_minor",
)  # fmt: skip


@pytest.fixture
async def shop(world) -> Shop:
    """A shop at noon, so that no day begins while a test runs."""
    noon = datetime.combine(clock.world_now() + timedelta(days=1), time(12), UTC)
    world.ahead = timedelta(seconds=int((noon - clock.world_now()).total_seconds()))
    return await shop_of(world)


async def ageing(shop: Shop):
    return (await shop.call("GetCodAgeing")).data


async def collected_ago(shop: Shop, days: int, amount: int = 50_00):
    order = await shop.dispatched(amount, courier_id=shop.courier_id)
    at = clock.world_now() + shop.world.ahead - timedelta(days=days)
    await shop.report(event(order, "collected", at=at))
    return order


@pytest.mark.parametrize(
    ("days", "age"),
    [(0, 0), (7, 0), (8, 1), (15, 1), (16, 2), (30, 2), (31, 3), (400, 3)],
)
async def test_open_money_is_aged_by_its_day_of_collection(shop: Shop, days: int, age: int):
    await collected_ago(shop, days)
    (found,) = await ageing(shop)
    assert [getattr(found, name) for name in AGES] == [50_00 * (n == age) for n in range(4)]
    assert (found.courier_id, found.courier, found.currency) == (shop.courier_id, "GLS", "EUR")
    assert (found.parcels, found.open_minor) == (1, 50_00)


async def test_remitted_money_is_not_open_but_a_shortage_is(shop: Shop):
    remitted, short = await collected_order(shop), await collected_order(shop)
    await committed(shop, line(remitted, 47_00), line(short, 40_00))
    (found,) = await ageing(shop)
    assert (found.parcels, found.open_minor, found.short_minor) == (1, 7_00, 7_00)


async def test_a_collected_parcel_counts_before_the_others_are_delivered(shop: Shop):
    order = await shop.dispatched(30_00, 20_00)
    await shop.report(event(order, "collected"))
    (found,) = await ageing(shop)
    assert (found.parcels, found.open_minor) == (1, 30_00)


async def test_overdue_money_is_reported(shop: Shop):
    order = await collected_ago(shop, 60)
    await collected_ago(shop, 1, 20_00)
    while await worker.overdue_worker(shop.world.deps).run_once():
        pass
    assert await state_of(shop, order) == "overdue"
    (found,) = await ageing(shop)
    assert (found.open_minor, found.overdue_minor, found.short_minor) == (70_00, 50_00, 0)


async def test_ageing_is_separate_by_courier_and_merchant(shop: Shop, stranger: Shop):
    other = await shop_of(shop.world)
    await collected_ago(shop, 1)
    await collected_ago(other, 1, 70_00)
    await collected_ago(stranger, 1, 90_00)
    assert [(each.courier_id, each.open_minor) for each in await ageing(shop)] == [
        (other.courier_id, 70_00),
        (shop.courier_id, 50_00),
    ]


async def test_a_courier_that_remitted_everything_is_not_listed(shop: Shop):
    order = await collected_order(shop)
    await shop.dispatched()
    await committed(shop, line(order, 47_00))
    assert list(await ageing(shop)) == []
