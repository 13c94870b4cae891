"""The process dies at each step of creating an order's link, of paying it and of refunding its payment: paylink has one
link, or none and a row that says so; payments has one refund; and cash is no longer due, or the payment is not recorded.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from incasso.cod.v1 import orders_pb2 as pb
from libs import ids
from libs.db import Database
from libs.errors import Refusal
from libs.idempotency import Key
from libs.payments.due import DueRow
from services.cod import worker
from services.cod.deps import Deps
from services.cod.flows import converting, online_refunds, order_links
from tests.kit.crash_matrix import CrashMatrix, struck, work
from tests.kit.crashing import Moment
from tests.kit.doubles import PayLinks
from tests.kit.row_snapshots import Snapshots
from tests.services.cod.converting import (
    convert,
    dispatched,
    link_of,
    links_of,
    pay,
    refund_moves,
    refunds,
    taken,
)
from tests.services.cod.orders import Shop, event
from tests.services.cod.test_crashes import MortalDatabase, ProcessDied
from tests.services.cod.world import World

Order = pb.CodOrder


@dataclass
class ConvertedOrder:
    """An order at its courier, and one call that converts it."""

    shop: Shop
    order: pb.CodOrder
    table: str = "order_links"
    rpc: str = "CreateCodLink"
    client: str = "links"

    @property
    def world(self) -> World:
        return self.shop.world

    @property
    def double(self) -> PayLinks:
        return self.world.paylink

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "ConvertCodOrder", "key", b"hash")
        await converting.convert_order(deps, self.order.id, key)

    def worker(self, deps: Deps):
        return worker.link_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await order_links.settle_due(deps, row)

    async def deliver(self, link: Any) -> None:
        """Delivers paylink's event for a link that was paid."""
        await pay(self.shop, link)

    async def state(self) -> str:
        if not await links_of(self.shop, self.order):
            return "open"
        async with self.world.deps.db.connection() as conn:
            known = await conn.fetchval(
                "SELECT count(payment_link_id) FROM order_links WHERE merchant_id = $1",
                self.world.merchant_id,
            )
        return "paid" if known else "under way"


@dataclass
class PaidTwice(ConvertedOrder):
    """An order that was paid online and is collected as well, and the refund of its payment."""

    link: Any = None
    table: str = "online_refunds"
    rpc: str = "RefundPayment"
    client: str = "payments"

    @property
    def double(self) -> Any:
        return self.world.payments

    async def pay(self, deps: Deps) -> None:
        async with deps.db.transaction() as tx:
            order = await order_links.orders_store.lock(tx, self.world.merchant_id, self.order.id)
            await online_refunds.owe(tx, [order], deps.clock.now())
        await self.worker(deps).run_once()

    def worker(self, deps: Deps):
        return worker.refund_worker(deps)

    async def settle(self, deps: Deps, row: DueRow) -> None:
        await online_refunds.settle_due(deps, row)

    async def deliver(self, refund: Any) -> None:
        await refund_moves(self.shop, taken(self.shop, self.link), refund)

    async def state(self) -> str:
        async with self.world.deps.db.connection() as conn:
            states = await conn.fetch(
                "SELECT state FROM online_refunds WHERE merchant_id = $1", self.world.merchant_id
            )
        if not states:
            return "open"
        back = (await self.shop.get(self.order.id)).refunded_online_minor
        assert back in {0, 50_00}
        return "paid" if [row["state"] for row in states] == ["succeeded"] and back else "under way"


Begin = Callable[[Callable[[Shop], Awaitable[Any]]], Awaitable[tuple[Shop, Any]]]


@pytest.fixture(scope="module")
def beginnings(database: Database) -> Snapshots:
    return Snapshots(database)


@pytest.fixture
def begin(world: World, beginnings: Snapshots) -> Begin:
    """A shop for which a journey was made, and the journey's result."""
    doubles = {"paylink": world.paylink, "payments": world.payments}

    async def begun(journey: Callable[[Shop], Awaitable[Any]]) -> tuple[Shop, Any]:
        async def opened() -> tuple[str, Any]:
            shop = Shop(world, (await world.courier()).id)
            return shop.courier_id, await journey(shop)

        made = await beginnings.begin(journey, world.merchant_id, doubles, opened)
        return Shop(world, made[0]), made[1]

    return begun


async def at_its_courier(shop: Shop) -> pb.CodOrder:
    return await dispatched(shop, 52_00)


async def paid_and_collected(shop: Shop) -> tuple[pb.CodOrder, Any]:
    order = await at_its_courier(shop)
    link = link_of(shop, await convert(shop, order))
    await pay(shop, link)
    await shop.report(event(order, "collected"))
    async with shop.world.deps.db.connection() as conn:
        await conn.execute(
            "DELETE FROM online_refunds WHERE merchant_id = $1", shop.world.merchant_id
        )
    return order, link


class TestLinks(CrashMatrix):
    gives_up = False

    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, begin: Begin) -> ConvertedOrder:
        return ConvertedOrder(*await begin(at_its_courier))


class TestRefunds(CrashMatrix):
    gives_up = False

    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, begin: Begin) -> PaidTwice:
        shop, (order, link) = await begin(paid_and_collected)
        return PaidTwice(shop, order, link=link)


@pytest.mark.parametrize("commits", [False, True])
async def test_a_crash_records_payment_and_conversion_together_or_not_at_all(shop, commits):
    order = await dispatched(shop, 52_00)
    link = link_of(shop, await convert(shop, order))
    real = shop.world.deps
    shop.world.deps = replace(real, db=MortalDatabase(real.db, commits=commits))
    with pytest.raises(ProcessDied):
        await pay(shop, link)
    shop.world.deps = real
    after = await shop.get(order.id)
    assert (after.state == Order.STATE_CONVERTED) is commits
    assert await links_of(shop, order) == [(1, "paid" if commits else "open")]
    await pay(shop, link)  # NATS redelivers it
    assert (await shop.get(order.id)).state == Order.STATE_CONVERTED
    assert (await shop.published(order.id)).count("order.converted") == 1
    assert (await shop.published(order.id)).count("order.collection_cancelled") == 1


@pytest.mark.parametrize("moment", list(Moment))
async def test_cash_collected_during_link_creation_leaves_no_open_link(shop, moment):
    subject = ConvertedOrder(shop, await dispatched(shop, 52_00))
    death = await struck(subject, moment, arrives=False)
    await shop.report(event(subject.order, "collected"))
    await work(subject)
    await death.arrive()
    await work(subject)
    made = shop.world.paylink.links.values()
    assert [link_id for link_id, paid in shop.world.paylink.closed if paid] == [
        link.id for link in made
    ]
    shop.world.act()
    with suppress(Refusal):
        await subject.pay(shop.world.deps)
    assert len(made) <= 1


@pytest.mark.parametrize("commits", [False, True])
async def test_a_crash_while_settling_a_refund_refunds_once(shop, commits):
    order = await dispatched(shop, 52_00)
    link = link_of(shop, await convert(shop, order))
    await pay(shop, link)
    collection = event(order, "collected", event_id=ids.new("ev"))
    await shop.report(collection)
    subject = PaidTwice(shop, order, link=link)
    mortal = replace(shop.world.deps, db=MortalDatabase(shop.world.deps.db, commits=commits))
    shop.world.act()
    (row,) = [DueRow(shop.world.merchant_id, f"{order.id}.1.1", age=None)]
    with pytest.raises(ProcessDied):
        await subject.settle(mortal, row)
    await work(subject)
    assert refunds(shop, link) == [50_00]
    assert (await shop.get(order.id)).refunded_online_minor == 50_00
