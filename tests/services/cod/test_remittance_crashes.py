"""A process that books a remittance is killed before any of its statements: everything is booked, or nothing."""

import asyncio
import itertools
from contextlib import suppress
from dataclasses import replace
from functools import partial

import pytest

from incasso.cod.v1.remittances_pb2 import CodRemittance
from libs.tasks import cancel
from services.cod.flows import remitting, resolving
from services.cod.rules.resolving import Resolution
from services.cod.store.couriers import COURIERS
from tests.kit.connections import until_locked_out
from tests.kit.mortal import KilledError, Mortal
from tests.services.cod.orders import Shop
from tests.services.cod.remitting import (
    base64_of,
    collected_order,
    commit,
    committed,
    line,
    lines_of,
    results,
    shop_of,
    state_of,
    uploaded,
)
from tests.waiting import until


@pytest.fixture
async def shop(world) -> Shop:
    return await shop_of(world)


async def test_a_commit_killed_before_any_statement_books_nothing(shop: Shop):
    order = await shop.dispatched()
    remittance = await uploaded(shop, line(order, 47_00))
    deps = shop.world.deps
    for statements in itertools.count():
        mortal = replace(deps, db=Mortal(deps.db, statements))
        shop.world.act()
        try:
            await remitting.commit_remittance(mortal, remittance.id)
            break
        except KilledError:
            assert await state_of(shop, order) == "dispatched"
    assert statements > 8
    assert await state_of(shop, order) == "remitted"
    await commit(shop, remittance)
    assert (await shop.published(order.id)).count("order.remitted") == 1


async def test_an_upload_repeated_after_crashes_is_stored_once(shop: Shop):
    order = await collected_order(shop)
    deps = shop.world.deps
    cmd = remitting.UploadedFile(
        courier_id=shop.courier_id,
        file=base64_of(line(order, 47_00)),
        name=None,
        tolerance_minor=None,
    )
    found = None
    for statements in itertools.count():
        mortal = replace(deps, db=Mortal(deps.db, statements))
        shop.world.act()
        with suppress(KilledError):
            found = await remitting.upload_remittance(mortal, cmd)
            break
    assert found is not None
    (only,) = (await shop.call("ListRemittances")).data
    assert only.id == found.id
    assert len(await lines_of(shop, only)) == 1
    assert await state_of(shop, order) == "collected"
    await commit(shop, only)
    assert await state_of(shop, order) == "remitted"


async def test_a_commit_completes_after_its_caller_gave_up(shop: Shop):
    orders = [await collected_order(shop) for _ in range(3)]
    remittance = await uploaded(shop, *(line(order, 47_00) for order in orders))
    deps = shop.world.deps
    async with deps.db.transaction() as tx:
        await COURIERS.lock(tx, shop.world.merchant_id, shop.courier_id)
        asking = asyncio.create_task(commit(shop, remittance))
        await until_locked_out(deps.db)
        await cancel([asking])
    await until(partial(_is_committed, shop, remittance))
    assert [await state_of(shop, order) for order in orders] == ["remitted"] * 3
    assert results(await commit(shop, remittance)) == {"matched": 3}
    assert (await shop.published()).count("order.remitted") == 3


async def _is_committed(shop: Shop, remittance: CodRemittance) -> bool:
    found = (await shop.call("GetRemittance", remittance_id=remittance.id)).remittance
    return bool(found.state == CodRemittance.STATE_COMMITTED)


async def test_a_crash_while_resolving_a_line_leaves_it_unchanged(shop: Shop):
    order = await collected_order(shop)
    remittance = await committed(shop, line(order, 47_00), line(order, 47_00))
    first, _ = await lines_of(shop, remittance)
    decision = Resolution(
        cod_order_id=order.id, tracking_number=None, closed_as=None, resolution=None
    )
    deps = shop.world.deps
    for statements in itertools.count():
        mortal = replace(deps, db=Mortal(deps.db, statements))
        shop.world.act()
        with suppress(KilledError):
            await resolving.resolve_remittance_line(mortal, remittance.id, first.id, decision, None)
            break
        assert (await lines_of(shop, remittance))[0] == first
        assert await state_of(shop, order) == "collected"
    assert statements > 8
    assert await state_of(shop, order) == "remitted"
    for subject in ("order.remitted", "remittance.line_resolved"):
        assert (await shop.published()).count(subject) == 1
