"""Orders are cancelled if their recipients do not confirm them, or do not pay the deposit, in time."""

from datetime import timedelta

import pytest

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs import clock
from services.cod import worker
from tests.services.cod.converting import convert, deposit_link, link_of, pay, work
from tests.services.cod.depositing import asking, cancel
from tests.services.cod.orders import Shop
from tests.services.cod.refusing import refused
from tests.services.cod.test_changes import change

Order, Requested = pb.CodOrder, events_pb2.CodMessageRequested
DAYS = 7


async def after_days(shop: Shop, order, days: float):
    """The order after the worker has run, this many days after it was created."""
    async with shop.world.deps.db.connection() as conn:
        await conn.execute(
            "UPDATE orders SET expires_at = expires_at - $2::interval, held_until = now()"
            " WHERE id = $1",
            order.id,
            timedelta(days=days),
        )
    await worker.expiry_worker(shop.world.deps).run_once()
    return await shop.get(order.id)


@pytest.fixture
async def expiring(shop):
    await shop.world.settings(expires_after_days=DAYS, confirmation_needed=True)
    return shop


async def test_an_unconfirmed_order_expires_and_is_reported_once(expiring):
    shop = expiring
    order = await shop.propose()
    ends = order.expires_at.ToDatetime() - order.created_at.ToDatetime()
    assert ends == timedelta(days=DAYS)
    assert (await after_days(shop, order, DAYS - 0.1)).state == Order.STATE_PROPOSED
    for _ in range(2):
        assert (await after_days(shop, order, 1)).state == Order.STATE_CANCELLED
    (payload,) = await shop.bodies(order.id, events_pb2.CodOrderCancelled, "order.cancelled")
    assert payload.expired
    last = (await shop.messages(order.id))[-1]
    assert (last.reason, last.amount.amount_minor) == (Requested.REASON_EXPIRED, 50_00)
    assert await refused(shop.code(order.id)) == "cod_code_over"


async def test_an_order_without_its_deposit_expires_and_a_late_payment_is_refunded(shop):
    await shop.world.settings(expires_after_days=DAYS)
    order = await asking(shop)
    link = deposit_link(shop, order)
    assert (await after_days(shop, order, DAYS)).state == Order.STATE_CANCELLED
    await pay(shop, link)
    await work(shop)
    assert (await shop.get(order.id)).deposit.state == pb.CodOrderDeposit.STATE_REFUNDED


async def test_an_order_that_awaits_no_confirmation_or_deposit_does_not_expire(expiring):
    shop = expiring
    confirmed = await shop.propose()
    confirmed = await shop.confirm(confirmed.id, await shop.code(confirmed.id))
    await shop.world.settings(confirmation_needed=False)
    paid, online, plain = await asking(shop), await asking(shop), await shop.propose()
    await pay(shop, deposit_link(shop, paid))
    await pay(shop, link_of(shop, await convert(shop, online)))
    for order in (confirmed, paid, online, plain):
        before = await shop.get(order.id)
        assert not before.HasField("expires_at")
        assert await after_days(shop, order, DAYS) == before
    await cancel(shop, plain)
    (payload,) = await shop.bodies(plain.id, events_pb2.CodOrderCancelled, "order.cancelled")
    assert not payload.expired


async def test_a_confirmed_order_expires_without_its_deposit(expiring):
    shop = expiring
    order = await asking(shop)
    confirmed = await shop.confirm(order.id, await shop.code(order.id))
    assert confirmed.expires_at == order.expires_at
    assert (await after_days(shop, order, DAYS)).state == Order.STATE_CANCELLED


async def test_a_change_restarts_the_expiry(expiring):
    shop = expiring
    order = await shop.propose()
    await after_days(shop, order, DAYS - 1)
    changed = await change(shop, order, amount_minor=60_00)
    ends = changed.expires_at.ToDatetime() - clock.world_now().replace(tzinfo=None)
    assert timedelta(days=DAYS) - ends < timedelta(hours=1)
    await shop.world.settings(expires_after_days=0)
    assert not (await change(shop, order, amount_minor=70_00)).HasField("expires_at")
