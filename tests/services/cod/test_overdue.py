"""Money that couriers should have passed on: the rule by tables, and the worker on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import holidays
import pytest

from incasso.cod.v1 import events_pb2
from libs import clock
from libs.formats import COUNTRIES
from services.cod import worker
from services.cod.rules import courier_events, overdue
from services.cod.rules import couriers as courier_rules
from services.cod.rules.couriers import CollectionMode, Courier, CourierTerms, Mode
from services.cod.rules.cuts import Cut
from services.cod.rules.remittances import Booked, claims_of
from services.cod.rules.states import OrderState, ParcelEvent
from tests.services.cod.given import NOW, dispatched
from tests.services.cod.orders import Shop
from tests.services.cod.remitting import (
    collected_order,
    commit,
    committed,
    line,
    shop_of,
    state_of,
    uploaded,
)
from tests.services.cod.test_courier_events import reported

TERMS = CourierTerms(
    name="GLS",
    currency="EUR",
    cut=Cut(basis_points=300, minimum_minor=300),
    modes=(Mode(CollectionMode.CASH),),
    remittance_days=3,
)


def a_courier(**more: Any) -> Courier:
    terms = replace(TERMS, **more)
    return courier_rules.on_terms(terms, courier_id="cou_1", merchant_id="mer_1", created_at=NOW)


def collected(*amounts: int, **more: Any):
    events = [reported(ParcelEvent.COLLECTED, parcel=n, **more) for n in range(len(amounts))]
    steps, _ = courier_events.follow([dispatched(*amounts)], events, a_courier())
    return courier_events.latest(steps)[0]


@pytest.mark.parametrize(
    ("at", "due"),
    [
        # Thursday noon: Friday, Monday and Tuesday are the three working days.
        (datetime(2026, 11, 26, 12, tzinfo=UTC), datetime(2026, 12, 1, 23, tzinfo=UTC)),
        # Half past midnight on Friday, local time.
        (datetime(2026, 11, 26, 23, 30, tzinfo=UTC), datetime(2026, 12, 2, 23, tzinfo=UTC)),
        # 8 December is a holiday.
        (datetime(2026, 12, 4, 12, tzinfo=UTC), datetime(2026, 12, 10, 23, tzinfo=UTC)),
        # In summer a day begins at 22:00 UTC.
        (datetime(2027, 7, 5, 12, tzinfo=UTC), datetime(2027, 7, 8, 22, tzinfo=UTC)),
    ],
)
def test_money_is_due_until_the_end_of_its_last_working_day(at, due):
    assert overdue.due_at(at, a_courier()) == due


def test_the_holidays_of_every_country_allowed_in_terms_are_supported():
    assert set(holidays.list_supported_countries()) >= set(COUNTRIES)


def test_the_due_date_keeps_the_terms_of_the_day_of_collection():
    order = collected(5_000)
    assert order.remit_due_at == overdue.due_at(NOW, a_courier())
    assert overdue.watched(order, a_courier(remittance_days=30)) == order


def test_a_collection_of_zero_has_no_due_date():
    assert collected(5_000, amount_minor=0).remit_due_at is None


@pytest.mark.parametrize(
    ("booked", "owed"),
    [
        ({}, 5_700 - 300 - 300),  # each parcel has a cut of its own
        ({"0": Booked(300, 4_700, frozenset({(4_700, None)}))}, 700 - 300),
        ({"0": Booked(300, 4_600, frozenset({(4_600, None)}))}, 100 + 700 - 300),
    ],
)
def test_the_owed_amount_is_collected_less_cut_and_remitted(booked, owed):
    claims = claims_of(collected(5_000, 700, 0), a_courier(), booked)
    assert overdue.owed_minor(claims) == owed


def test_an_order_becomes_overdue_when_due_and_only_if_money_is_owed():
    order = collected(5_000)
    claims, due = claims_of(order, a_courier(), {}), order.remit_due_at
    assert overdue.fallen_due(order, claims, due - timedelta(seconds=1)) == order
    late = overdue.fallen_due(order, claims, due)
    assert late.state is OrderState.OVERDUE
    assert overdue.fallen_due(late, claims, due) == late
    paid = {"0": Booked(300, 4_700, frozenset({(4_700, None)}))}
    settled = overdue.fallen_due(order, claims_of(order, a_courier(), paid), due)
    assert (settled.state, settled.remit_due_at) == (OrderState.COLLECTED, None)


@pytest.fixture
async def shop(world) -> Shop:
    return await shop_of(world)


async def until(shop: Shop, moment: datetime) -> None:
    """Advances the merchant's clock to a moment."""
    ahead = moment - datetime.now(UTC) + timedelta(seconds=1)
    shop.world.ahead = timedelta(seconds=int(ahead.total_seconds()))
    async with shop.world.deps.db.transaction() as tx:
        await clock.follow(tx, shop.world.merchant_id, int(ahead.total_seconds()))


async def run_workers(shop: Shop, replicas: int = 1) -> None:
    workers = [worker.overdue_worker(shop.world.deps) for _ in range(replicas)]
    await asyncio.gather(*(one.run_once() for one in workers))


async def overdue_order(shop: Shop, *amounts: int):
    order = await shop.get((await collected_order(shop, *amounts)).id)
    await until(shop, order.remit_due_at.ToDatetime(UTC))
    await run_workers(shop)
    return order


async def test_an_order_is_reported_overdue_once_by_its_merchants_clock(shop: Shop, stranger: Shop):
    other = await collected_order(stranger)
    order = await shop.get((await collected_order(shop)).id)
    await run_workers(shop)
    assert await state_of(shop, order) == "collected"
    await until(shop, order.remit_due_at.ToDatetime(UTC))
    await run_workers(shop, replicas=3)
    await run_workers(shop)
    assert await state_of(shop, order) == "overdue"
    (event,) = await shop.bodies(order.id, events_pb2.CodOrderOverdue, "order.overdue")
    assert (event.owed.amount_minor, event.owed.currency) == (47_00, "EUR")
    assert event.courier_id == shop.courier_id
    assert event.days == (order.remit_due_at.ToDatetime() - order.collected_at.ToDatetime()).days
    assert event.order.state == event.order.STATE_OVERDUE
    assert await state_of(stranger, other) == "collected"


async def test_an_order_remitted_in_time_is_never_overdue(shop: Shop):
    order = await shop.get((await collected_order(shop)).id)
    await committed(shop, line(order, 47_00))
    await until(shop, order.remit_due_at.ToDatetime(UTC))
    await run_workers(shop)
    assert await state_of(shop, order) == "remitted"
    assert not await shop.bodies(order.id, events_pb2.CodOrderOverdue, "order.overdue")


@pytest.mark.parametrize(("passed_on", "state"), [(47_00, "remitted"), (40_00, "short")])
async def test_a_late_remittance_ends_the_overdue_state(shop: Shop, passed_on: int, state: str):
    order = await overdue_order(shop)
    await committed(shop, line(order, passed_on))
    assert await state_of(shop, order) == state


async def test_the_unremitted_rest_of_an_order_becomes_overdue(shop: Shop):
    order = await shop.get((await collected_order(shop, 50_00, 20_00)).id)
    await committed(shop, line(order, 46_00, cut=3_00))  # a euro short
    assert await state_of(shop, order) == "collected"
    await until(shop, order.remit_due_at.ToDatetime(UTC))
    await run_workers(shop)
    (event,) = await shop.bodies(order.id, events_pb2.CodOrderOverdue, "order.overdue")
    assert event.owed.amount_minor == 18_00


async def test_a_remittance_booked_at_the_due_moment_remits_the_order(shop: Shop):
    order = await shop.get((await collected_order(shop)).id)
    remittance = await uploaded(shop, line(order, 47_00))
    await until(shop, order.remit_due_at.ToDatetime(UTC))
    await asyncio.gather(run_workers(shop), commit(shop, remittance))
    assert await state_of(shop, order) == "remitted"
    assert (await shop.published(order.id)).count("order.remitted") == 1


async def test_a_dead_workers_claim_blocks_an_order_until_it_expires(shop: Shop):
    order = await shop.get((await collected_order(shop)).id)
    await until(shop, order.remit_due_at.ToDatetime(UTC))
    async with shop.world.deps.db.transaction() as tx:
        await tx.fetch(worker.orders.CLAIM_OVERDUE.sql, 16, 16, {})
    await run_workers(shop)
    assert await state_of(shop, order) == "collected"  # the dead worker still holds it
    async with shop.world.deps.db.transaction() as tx:
        await tx.execute("UPDATE orders SET held_until = '-infinity'")
    await run_workers(shop)
    assert await state_of(shop, order) == "overdue"
