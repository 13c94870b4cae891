"""What becomes of carts: one link each, by themselves or on demand; completed, paid, lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from incasso.paylink.v1 import events_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import db, ids
from libs.db import Database
from libs.errors import Refusal
from services.paylink.flows.reissue import reissue_payment_link
from services.paylink.rules import carts as rules
from services.paylink.rules.domain import Method
from services.paylink.worker import cart_worker
from tests.services.paylink.shop_world import (
    ShopWorld,
    cancel,
    expire,
    open_shop_world,
    pay,
    reason_of,
    run_worker,
    told,
)

State = pb.Cart


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("paylink"), pool_size=8, service="paylink")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database) -> AsyncIterator[ShopWorld]:
    async with open_shop_world(database) as opened:
        yield opened


async def test_a_cart_has_one_link_whoever_recovers_it_how_often(world: ShopWorld):
    made = await world.cart(recover_after_minutes=10)
    await world.advance(timedelta(minutes=10))
    got = await asyncio.gather(
        *(world.recover(made.id) for _ in range(10)),
        *(cart_worker(world.deps).run_once() for _ in range(3)),
    )
    world.act()
    found = [link for link in got if not isinstance(link, int)]
    assert len({link.id for link in found}) == len({link.url for link in found}) == 1
    assert len(await world.links()) == 1
    assert len(await told(world, "payment_link.message_requested")) == 1
    assert len(await told(world, "cart.recovery_sent")) == 1


async def test_recovering_again_with_the_same_key_answers_the_same_link(world: ShopWorld):
    made = await world.cart()
    one = await world.recover(made.id, key="k")
    await world.complete(made.id)
    assert await world.recover(made.id, key="k") == one
    other = world.recover(made.id, key="k", expires_in_days=3)
    assert await reason_of(other) == ("idempotency_key_reused", 422)
    request = pb.RecoverCartRequest(cart_id=made.id)
    bare = world.call("RecoverCart", request)
    assert await reason_of(bare) == ("idempotency_key_missing", 400)
    stored = await world.rows("SELECT answer FROM idempotency_keys WHERE method = 'RecoverCart'")
    token = one.url.rpartition("/")[2].encode()
    assert all(token not in row["answer"] for row in stored)


async def test_a_plan_without_links_left_recovers_nothing_and_says_so(world: ShopWorld):
    world.merchants.quotas[world.merchant_id] = {"links_per_month": 0}
    made = await world.cart(recover_after_minutes=60)
    assert await reason_of(world.recover(made.id)) == ("quota_exceeded", 429)
    await world.advance(timedelta(hours=1))
    await run_worker(world)
    cart = await world.look(made.id)
    assert cart.state == State.STATE_OPEN
    (row,) = await world.rows("SELECT due_at, recover_at FROM carts WHERE id = $1", made.id)
    assert row["due_at"] > row["recover_at"] + timedelta(minutes=10)


async def test_a_cart_recovers_by_itself_at_its_time_by_the_merchants_clock(world: ShopWorld):
    made = await world.cart(recover_after_minutes=60)
    later = await world.cart("later", recover_after_minutes=120)
    never = await world.cart("never")
    await run_worker(world)
    assert not await world.links()
    await world.advance(timedelta(minutes=61))
    await run_worker(world)
    await run_worker(world)
    cart = await world.look(made.id)
    assert cart.state == State.STATE_RECOVERING
    assert cart.recover_at == made.recover_at
    for other in (later, never):
        assert (await world.look(other.id)).state == State.STATE_OPEN
    assert [link["id"] for link in await world.links()] == [cart.payment_link_id]
    link = await world.recover(made.id)
    assert link.id == cart.payment_link_id


async def test_a_shopper_who_is_still_shopping_is_not_written_to(world: ShopWorld):
    made = await world.cart(recover_after_minutes=60)
    await world.advance(timedelta(minutes=59))
    await world.cart(recover_after_minutes=60)
    await world.advance(timedelta(minutes=2))
    await run_worker(world)
    assert (await world.look(made.id)).state == State.STATE_OPEN


async def test_a_recovery_that_is_days_late_is_left_to_the_merchant(world: ShopWorld):
    made = await world.cart(recover_after_minutes=60)
    await world.advance(timedelta(hours=1) + rules.GIVE_UP_AFTER)
    await run_worker(world)
    assert (await world.look(made.id)).state == State.STATE_OPEN
    (row,) = await world.rows("SELECT due_at FROM carts WHERE id = $1", made.id)
    assert row["due_at"] is None
    assert await world.recover(made.id)


async def test_a_cart_that_was_bought_is_not_recovered(world: ShopWorld):
    made = await world.cart(recover_after_minutes=60)
    assert (await world.complete(made.id)).state == State.STATE_COMPLETED
    await world.advance(timedelta(hours=2))
    await run_worker(world)
    assert not await world.links()
    for doing in (world.complete(made.id), world.recover(made.id), world.cart()):
        assert await reason_of(doing) == ("cart_closed", 409)


async def test_completing_a_cart_cancels_the_link_of_its_recovery(world: ShopWorld):
    made = await world.cart()
    await world.recover(made.id)
    completed = await world.complete(made.id)
    assert completed.state == State.STATE_COMPLETED
    (link,) = await world.links()
    assert link["state"] == "cancelled"
    assert len(await told(world, "payment_link.cancelled")) == 1


async def test_completing_and_recovering_at_once_leaves_no_link_that_can_be_paid(world: ShopWorld):
    for number in range(10):
        made = await world.cart(f"cart-{number}")
        await asyncio.gather(
            world.recover(made.id), world.complete(made.id), return_exceptions=True
        )
        assert (await world.look(made.id)).state == State.STATE_COMPLETED
    assert {link["state"] for link in await world.links()} <= {"cancelled"}


async def test_a_cart_whose_link_is_being_paid_cannot_be_completed(world: ShopWorld):
    made = await world.cart()
    link = await world.recover(made.id)
    async with world.db.transaction() as tx:
        await tx.execute(
            "UPDATE links SET state = 'paying', paying_by = 'card' WHERE id = $1", link.id
        )
        await tx.execute(
            "INSERT INTO link_payments (merchant_id, id, link_id, reusable, state, method,"
            " amount_minor, currency, brand, last4, created_at)"
            " VALUES ($1, $2, $3, false, 'processing', $4, 12900, 'EUR', '', '', now())",
            world.merchant_id,
            ids.new("lpy"),
            link.id,
            Method.CARD.value,
        )
    assert await reason_of(world.complete(made.id)) == ("payment_link_paying", 409)
    assert (await world.look(made.id)).state == State.STATE_RECOVERING


async def is_closed(world: ShopWorld, cart_id: str) -> None:
    for doing in (world.complete, world.recover):
        assert await reason_of(doing(cart_id)) == ("cart_closed", 409)
    assert await reason_of(world.cart()) == ("cart_closed", 409)


async def test_a_cart_whose_link_was_paid_is_recovered_and_told_of_once(world: ShopWorld):
    made = await world.cart()
    link = await world.recover(made.id)
    await pay(world, link.id)
    await pay(world, link.id)
    cart = await world.look(made.id)
    assert cart.state == State.STATE_RECOVERED
    (body,) = await told(world, "cart.recovered")
    assert events_pb2.CartRecovered.FromString(body).cart == cart
    await is_closed(world, made.id)


async def test_a_cart_whose_link_expired_is_lost_until_its_new_address_is_paid(world: ShopWorld):
    made = await world.cart()
    link = await world.recover(made.id)
    await expire(world)
    assert (await world.look(made.id)).state == State.STATE_LOST
    await is_closed(world, made.id)
    await reissue_payment_link(world.deps, link.id, None, None)
    assert (await world.look(made.id)).state == State.STATE_LOST
    await pay(world, link.id)
    assert (await world.look(made.id)).state == State.STATE_RECOVERED


async def test_a_cart_whose_link_the_merchant_cancelled_is_lost(world: ShopWorld):
    made = await world.cart()
    link = await world.recover(made.id)
    await cancel(world, link.id)
    assert (await world.look(made.id)).state == State.STATE_LOST
    assert not await told(world, "cart.recovered")
    await is_closed(world, made.id)


async def test_paying_and_completing_at_once_end_one_way(world: ShopWorld):
    for number in range(10):
        made = await world.cart(f"cart-{number}")
        link = await world.recover(made.id)
        done = await asyncio.gather(
            world.complete(made.id), pay(world, link.id), return_exceptions=True
        )
        cart = await world.look(made.id)
        (row,) = [row for row in await world.links() if row["id"] == link.id]
        ends = {State.STATE_COMPLETED: "cancelled", State.STATE_RECOVERED: "paid"}
        assert row["state"] == ends[cart.state]
        assert isinstance(done[0], Refusal) == (cart.state == State.STATE_RECOVERED)
        assert done[1] is None


async def test_a_purchase_in_the_shop_ends_without_a_cart(world: ShopWorld):
    product, shop = await world.product(), await world.open_shop()
    await world.buy(shop, product)
    (link,) = await world.links()
    await pay(world, link["id"])
    assert (await world.links())[0]["state"] == "paid"
    assert not await told(world, "cart.recovered")
