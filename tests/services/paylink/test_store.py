"""The database's own constraints, whatever the flows do."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from libs import combined_writes, ids
from libs.db import CheckViolation, UniqueViolation
from services.paylink.rules.domain import LinkPayment, Method
from services.paylink.rules.states import LinkState, PaymentState
from services.paylink.store import links, payments
from services.paylink.store.links import LINKS
from tests.services.paylink.world import World


async def stored(world: World, **fields):
    link = await world.link(**fields)
    async with world.db.connection() as conn:
        return await LINKS.get(conn, world.merchant_id, link.id)


def a_try(link, **fields) -> LinkPayment:
    now = datetime.now(UTC)
    made = LinkPayment(
        id=ids.new("lpy"),
        merchant_id=link.merchant_id,
        link_id=link.id,
        reusable=link.reusable,
        state=PaymentState.PROCESSING,
        method=Method.CARD,
        amount=link.amount,
        created_at=now,
    )
    return replace(made, **fields)


async def test_a_link_is_read_as_it_was_written(world: World):
    link = await stored(world, reusable=True, max_uses=3, metadata={"cart": "c-77"})
    async with world.db.transaction() as tx:
        locked = await LINKS.lock(tx, link.merchant_id, link.id)
        saved = await links.save(tx, locked, replace(locked, description="new"))
    assert saved == replace(link, description="new", version=link.version + 1)
    async with world.db.connection() as conn:
        assert await LINKS.get(conn, link.merchant_id, link.id) == saved


@pytest.mark.parametrize("first", [PaymentState.PROCESSING, PaymentState.SUCCEEDED])
async def test_a_single_use_link_has_at_most_one_open_or_succeeded_payment(world: World, first):
    link = await stored(world)
    async with world.db.connection() as conn:
        await combined_writes.execute(
            conn, payments.inserted(a_try(link, state=PaymentState.DECLINED))
        )
        await combined_writes.execute(conn, payments.inserted(a_try(link, state=first)))
        with pytest.raises(UniqueViolation):
            await combined_writes.execute(conn, payments.inserted(a_try(link)))


async def test_saving_a_link_that_changed_since_it_was_read_fails(world: World):
    link = await stored(world)
    async with world.db.connection() as conn:
        await links.save(conn, link, replace(link, state=LinkState.CANCELLED))
        with pytest.raises(links.LinkChangedError):
            await links.save(conn, link, replace(link, state=LinkState.SEEN))


@pytest.mark.parametrize(
    "change",
    [{"paid_minor": 12901}, {"paid_minor": -1}, {"state": LinkState.PAYING}, {"deposit_minor": 0}],
)
async def test_impossible_links_are_not_stored(world: World, change):
    link = await stored(world)
    async with world.db.connection() as conn:
        with pytest.raises(CheckViolation):
            await links.save(conn, link, replace(link, **change))


async def test_uses_never_exceed_max_uses(world: World):
    link = await stored(world, reusable=True, max_uses=2)
    async with world.db.connection() as conn:
        with pytest.raises(CheckViolation):
            await links.save(conn, link, replace(link, uses=3))


async def test_concurrent_link_counts_stop_exactly_at_the_quota(world: World):
    async def count() -> bool:
        async with world.db.transaction() as tx:
            return await links.count(tx, world.merchant_id, date(2026, 11, 1), most=5)

    counted = await asyncio.gather(*(count() for _ in range(12)))
    assert sum(counted) == 5
