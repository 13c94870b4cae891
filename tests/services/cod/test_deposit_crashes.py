"""The process dies at each step of requesting an order's deposit and of taking it: the order has one link, or a row that
says so; and a payment counts once, or is owed back. Its refund is tested in test_converting_crashes.py.
"""

from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from incasso.cod.v1 import orders_pb2 as pb
from libs.errors import required
from libs.idempotency import Key
from services.cod.deps import Deps
from services.cod.errors import OrderNotFound
from services.cod.flows import deposits, orders
from tests.kit.crash_matrix import CrashMatrix, struck, work
from tests.kit.crashing import Moment
from tests.services.cod.converting import deposit_link, links_of, pay, refunds
from tests.services.cod.converting import work as settle
from tests.services.cod.depositing import asking, cancel
from tests.services.cod.orders import Shop
from tests.services.cod.test_changes import change
from tests.services.cod.test_converting_crashes import ConvertedOrder
from tests.services.cod.test_crashes import ORDER, MortalDatabase, ProcessDied

Deposit = pb.CodOrderDeposit
ASKED = replace(ORDER, deposit_minor=10_00)


@dataclass
class ProposedOrder(ConvertedOrder):
    """One call that proposes an order with a deposit, and requests its link."""

    order: pb.CodOrder | None = None

    async def pay(self, deps: Deps) -> None:
        key = Key(self.world.merchant_id, "CreateCodOrder", "key", b"hash")
        made = pb.CodOrder.FromString(await orders.create_order(deps, ASKED, key))
        await deposits.make_links(deps, [made.id])

    async def state(self) -> str:
        found = (await self.shop.call("ListCodOrders")).data
        if not found:
            return "open"
        self.order = found[0]
        return await super().state()


class TestLinks(CrashMatrix):
    gives_up = False

    @pytest_asyncio.fixture(loop_scope="session")
    async def subject(self, shop: Shop) -> ProposedOrder:
        return ProposedOrder(shop)


def dying(shop: Shop, *, commits: bool) -> Deps:
    real = shop.world.deps
    return replace(real, db=MortalDatabase(real.db, commits=commits))


@pytest.mark.parametrize("commits", [False, True])
async def test_a_crash_records_a_paid_deposit_with_its_event_or_neither(shop, commits):
    order, real = await asking(shop), shop.world.deps
    shop.world.deps = dying(shop, commits=commits)
    with pytest.raises(ProcessDied):
        await pay(shop, deposit_link(shop, order))
    shop.world.deps = real
    state = (await shop.get(order.id)).deposit.state
    assert state == (Deposit.STATE_PAID if commits else Deposit.STATE_DUE)
    await pay(shop, deposit_link(shop, order))  # NATS redelivers it
    assert (await shop.get(order.id)).deposit.state == Deposit.STATE_PAID
    assert (await shop.published(order.id)).count("order.deposit_paid") == 1


@pytest.mark.parametrize("commits", [False, True])
async def test_a_crash_cancels_an_order_with_its_deposits_refund_or_neither(shop, commits):
    order = await asking(shop)
    link = deposit_link(shop, order)
    await pay(shop, link)
    shop.world.act()
    with pytest.raises(ProcessDied):
        await orders.cancel_order(dying(shop, commits=commits), order.id)
    await settle(shop)
    assert refunds(shop, link) == ([10_00] if commits else [])
    await cancel(shop, order)
    await settle(shop)
    assert refunds(shop, link) == [10_00]


@pytest.mark.parametrize("moment", list(Moment))
async def test_an_order_cancelled_during_link_creation_leaves_no_open_link(shop, moment):
    subject = ProposedOrder(shop)
    death = await struck(subject, moment, arrives=False)
    if await subject.state() != "open":
        await cancel(shop, required(subject.order, OrderNotFound))
    await work(subject)
    await death.arrive()
    await work(subject)
    made = [link.id for link in shop.world.paylink.links.values()]
    assert [link_id for link_id, _ in shop.world.paylink.closed] == made


async def test_a_change_during_a_paylink_outage_replaces_the_deposit_link_later(shop):
    await shop.world.settings(deposit={"basis_points": 2000})
    order = await shop.propose()
    shop.world.paylink.down = True
    await change(shop, order, amount_minor=100_00)
    shop.world.paylink.down = False
    await settle(shop)
    assert deposit_link(shop, order).amount.amount_minor == 20_00
    assert await links_of(shop, order) == [(1, "closed"), (2, "open")]
