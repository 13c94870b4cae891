"""How carts are recovered: one link each, automatically or on request; completed, paid, lost."""

import asyncio
from datetime import timedelta

from incasso.paylink.v1 import events_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import ids
from libs.errors import Refusal
from services.paylink.flows.reissue import reissue_payment_link
from services.paylink.rules import carts as rules
from services.paylink.rules.domain import Method
from services.paylink.worker import cart_worker
from tests.services.paylink.shop_world import (
    ShopWorld,
    cancel,
    expire,
    pay,
    published,
    reason_of,
    run_worker,
)

State = pb.Cart


async def test_concurrent_recoveries_of_one_cart_create_one_link(shop_world: ShopWorld):
    made = await shop_world.cart(recover_after_minutes=10)
    await shop_world.advance(timedelta(minutes=10))
    got = await asyncio.gather(
        *(shop_world.recover(made.id) for _ in range(10)),
        *(cart_worker(shop_world.deps).run_once() for _ in range(3)),
    )
    shop_world.act()
    found = [link for link in got if not isinstance(link, int)]
    assert len({link.id for link in found}) == len({link.url for link in found}) == 1
    assert len(await shop_world.links()) == 1
    assert len(await published(shop_world, "payment_link.message_requested")) == 1
    assert len(await published(shop_world, "cart.recovery_sent")) == 1


async def test_recovering_again_with_the_same_key_returns_the_same_link(shop_world: ShopWorld):
    made = await shop_world.cart()
    one = await shop_world.recover(made.id, key="k")
    await shop_world.complete(made.id)
    assert await shop_world.recover(made.id, key="k") == one
    other = shop_world.recover(made.id, key="k", expires_in_days=3)
    assert await reason_of(other) == ("idempotency_key_reused", 422)
    request = pb.RecoverCartRequest(cart_id=made.id)
    bare = shop_world.call("RecoverCart", request)
    assert await reason_of(bare) == ("idempotency_key_missing", 400)
    stored = await shop_world.rows(
        "SELECT answer FROM idempotency_keys WHERE method = 'RecoverCart'"
    )
    token = one.url.rpartition("/")[2].encode()
    assert all(token not in row["answer"] for row in stored)


async def test_an_exhausted_quota_refuses_the_recovery_and_postpones_the_automatic_one(
    shop_world: ShopWorld,
):
    shop_world.merchants.quotas[shop_world.merchant_id] = {"links_per_month": 0}
    made = await shop_world.cart(recover_after_minutes=60)
    assert await reason_of(shop_world.recover(made.id)) == ("quota_exceeded", 429)
    await shop_world.advance(timedelta(hours=1))
    await run_worker(shop_world)
    cart = await shop_world.get_cart(made.id)
    assert cart.state == State.STATE_OPEN
    (row,) = await shop_world.rows("SELECT due_at, recover_at FROM carts WHERE id = $1", made.id)
    assert row["due_at"] > row["recover_at"] + timedelta(minutes=10)


async def test_a_cart_is_recovered_automatically_when_due_by_the_merchants_clock(
    shop_world: ShopWorld,
):
    made = await shop_world.cart(recover_after_minutes=60)
    later = await shop_world.cart("later", recover_after_minutes=120)
    never = await shop_world.cart("never")
    await run_worker(shop_world)
    assert not await shop_world.links()
    await shop_world.advance(timedelta(minutes=61))
    await run_worker(shop_world)
    await run_worker(shop_world)
    cart = await shop_world.get_cart(made.id)
    assert cart.state == State.STATE_RECOVERING
    assert cart.recover_at == made.recover_at
    for other in (later, never):
        assert (await shop_world.get_cart(other.id)).state == State.STATE_OPEN
    assert [link["id"] for link in await shop_world.links()] == [cart.payment_link_id]
    link = await shop_world.recover(made.id)
    assert link.id == cart.payment_link_id


async def test_reporting_a_cart_again_postpones_its_recovery(shop_world: ShopWorld):
    made = await shop_world.cart(recover_after_minutes=60)
    await shop_world.advance(timedelta(minutes=59))
    await shop_world.cart(recover_after_minutes=60)
    await shop_world.advance(timedelta(minutes=2))
    await run_worker(shop_world)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_OPEN


async def test_a_recovery_that_is_days_late_is_left_to_the_merchant(shop_world: ShopWorld):
    made = await shop_world.cart(recover_after_minutes=60)
    await shop_world.advance(timedelta(hours=1) + rules.GIVE_UP_AFTER)
    await run_worker(shop_world)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_OPEN
    (row,) = await shop_world.rows("SELECT due_at FROM carts WHERE id = $1", made.id)
    assert row["due_at"] is None
    assert await shop_world.recover(made.id)


async def test_a_completed_cart_is_closed_and_not_recovered(shop_world: ShopWorld):
    made = await shop_world.cart(recover_after_minutes=60)
    assert (await shop_world.complete(made.id)).state == State.STATE_COMPLETED
    await shop_world.advance(timedelta(hours=2))
    await run_worker(shop_world)
    assert not await shop_world.links()
    for doing in (shop_world.complete(made.id), shop_world.recover(made.id), shop_world.cart()):
        assert await reason_of(doing) == ("cart_closed", 409)


async def test_completing_a_cart_cancels_the_link_of_its_recovery(shop_world: ShopWorld):
    made = await shop_world.cart()
    await shop_world.recover(made.id)
    completed = await shop_world.complete(made.id)
    assert completed.state == State.STATE_COMPLETED
    (link,) = await shop_world.links()
    assert link["state"] == "cancelled"
    assert len(await published(shop_world, "payment_link.cancelled")) == 1


async def test_concurrent_completion_and_recovery_leave_no_payable_link(
    shop_world: ShopWorld,
):
    for number in range(10):
        made = await shop_world.cart(f"cart-{number}")
        await asyncio.gather(
            shop_world.recover(made.id), shop_world.complete(made.id), return_exceptions=True
        )
        assert (await shop_world.get_cart(made.id)).state == State.STATE_COMPLETED
    assert {link["state"] for link in await shop_world.links()} <= {"cancelled"}


async def test_a_cart_whose_link_is_being_paid_cannot_be_completed(shop_world: ShopWorld):
    made = await shop_world.cart()
    link = await shop_world.recover(made.id)
    async with shop_world.db.transaction() as tx:
        await tx.execute(
            "UPDATE links SET state = 'paying', paying_by = 'card' WHERE id = $1", link.id
        )
        await tx.execute(
            "INSERT INTO link_payments (merchant_id, id, link_id, reusable, state, method,"
            " amount_minor, currency, brand, last4, created_at)"
            " VALUES ($1, $2, $3, false, 'processing', $4, 12900, 'EUR', '', '', now())",
            shop_world.merchant_id,
            ids.new("lpy"),
            link.id,
            Method.CARD.value,
        )
    assert await reason_of(shop_world.complete(made.id)) == ("payment_link_paying", 409)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_RECOVERING


async def is_closed(shop_world: ShopWorld, cart_id: str) -> None:
    for doing in (shop_world.complete, shop_world.recover):
        assert await reason_of(doing(cart_id)) == ("cart_closed", 409)
    assert await reason_of(shop_world.cart()) == ("cart_closed", 409)


async def test_a_cart_whose_link_was_paid_is_reported_recovered_once(shop_world: ShopWorld):
    made = await shop_world.cart()
    link = await shop_world.recover(made.id)
    await pay(shop_world, link.id)
    await pay(shop_world, link.id)
    cart = await shop_world.get_cart(made.id)
    assert cart.state == State.STATE_RECOVERED
    (body,) = await published(shop_world, "cart.recovered")
    assert events_pb2.CartRecovered.FromString(body).cart == cart
    await is_closed(shop_world, made.id)


async def test_a_cart_whose_link_expired_is_lost_until_its_new_address_is_paid(
    shop_world: ShopWorld,
):
    made = await shop_world.cart()
    link = await shop_world.recover(made.id)
    await expire(shop_world)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_LOST
    await is_closed(shop_world, made.id)
    await reissue_payment_link(shop_world.deps, link.id, None, None)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_LOST
    await pay(shop_world, link.id)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_RECOVERED


async def test_a_cart_whose_link_the_merchant_cancelled_is_lost(shop_world: ShopWorld):
    made = await shop_world.cart()
    link = await shop_world.recover(made.id)
    await cancel(shop_world, link.id)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_LOST
    assert not await published(shop_world, "cart.recovered")
    await is_closed(shop_world, made.id)


async def test_concurrent_payment_and_completion_agree_on_one_outcome(shop_world: ShopWorld):
    for number in range(10):
        made = await shop_world.cart(f"cart-{number}")
        link = await shop_world.recover(made.id)
        done = await asyncio.gather(
            shop_world.complete(made.id), pay(shop_world, link.id), return_exceptions=True
        )
        cart = await shop_world.get_cart(made.id)
        (row,) = [row for row in await shop_world.links() if row["id"] == link.id]
        ends = {State.STATE_COMPLETED: "cancelled", State.STATE_RECOVERED: "paid"}
        assert row["state"] == ends[cart.state]
        assert isinstance(done[0], Refusal) == (cart.state == State.STATE_RECOVERED)
        assert done[1] is None


async def test_a_paid_shop_purchase_publishes_no_cart_recovery(shop_world: ShopWorld):
    product, shop = await shop_world.product(), await shop_world.open_shop()
    await shop_world.buy(shop, product)
    (link,) = await shop_world.links()
    await pay(shop_world, link["id"])
    assert (await shop_world.links())[0]["state"] == "paid"
    assert not await published(shop_world, "cart.recovered")
