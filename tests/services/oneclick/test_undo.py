"""Undo within the grace period, through the gRPC servicer."""

from datetime import timedelta

import pytest

from incasso.oneclick.v1 import events_pb2
from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids
from libs.errors import Kind, Refusal
from services.oneclick import worker
from tests.kit.payments_double import lose_answer, money, once, refuse
from tests.services.oneclick.test_sessions import browser, find_session, opened, pay
from tests.services.oneclick.world import World

State = payments_pb2.Payment
DELAYED = payments_pb2.CAPTURE_MODE_DELAYED


async def delayed(world: World, **more):
    world.payments.state = State.STATE_AUTHORISED
    customer_id = await world.shopper()
    return await world.charge(customer_id, 5990, capture=DELAYED, grace_seconds=600, **more)


async def undo(world: World, payment_id: str, *, key: str = "undo-1", **more):
    request = pb.UndoOneClickPaymentRequest(payment_id=payment_id, **more)
    return (await world.call("UndoOneClickPayment", request, key=key)).payment


async def test_the_whole_order_can_be_cancelled_and_frees_the_limits(world: World):
    payment = await delayed(world)
    undone = await undo(world, payment.id)
    assert undone.state == State.STATE_CANCELLED
    (charge,) = await world.charges()
    assert charge["state"] == "cancelled"
    (key,) = world.payments.keys["CancelPayment"]
    assert key.startswith(f"{charge['id']}-undo-")


async def test_the_order_can_be_lowered_and_counts_less(world: World):
    payment = await delayed(world)
    lowered = await undo(world, payment.id, amount=money(3000))
    assert (lowered.state, lowered.capturable_minor) == (State.STATE_AUTHORISED, 3000)
    assert [row["amount_minor"] for row in await world.charges()] == [3000]


async def test_the_same_key_gives_the_same_answer(world: World):
    payment = await delayed(world)
    assert await undo(world, payment.id) == await undo(world, payment.id)
    assert len(world.payments.keys["CancelPayment"]) == 1


async def test_an_unanswered_undo_is_retried_under_the_same_derived_key(world: World):
    payment = await delayed(world)
    world.payments.after["CancelPayment"] = once(lose_answer)
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id)
    assert refused.value.reason == "outcome_unknown"
    assert (await undo(world, payment.id)).state == State.STATE_CANCELLED
    assert len(set(world.payments.keys["CancelPayment"])) == 1


async def test_after_the_grace_period_nothing_is_undone(world: World):
    payment = await delayed(world)
    world.offset = timedelta(seconds=601)
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id)
    assert refused.value.reason == "grace_period_over"


async def test_only_a_delayed_capture_is_undone(world: World):
    payment = await world.charge(await world.shopper())
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id)
    assert refused.value.reason == "payment_not_cancellable"


def an_order():
    return [
        pb.OrderItem(id="shoes", name="Scarpe", quantity=2, unit_amount_minor=2000),
        pb.OrderItem(id="socks", name="Calze", quantity=3, unit_amount_minor=500),
        pb.OrderItem(
            id="shipping", name="Spedizione", quantity=1, unit_amount_minor=490, fixed=True
        ),
    ]


def removal(item_id: str, quantity: int | None = None):
    return pb.ItemRemoval(item_id=item_id, quantity=quantity)


async def shopping(world: World):
    """A browser whose session has paid an order with items, and the session."""
    world.payments.state = State.STATE_AUTHORISED
    customer_id = await world.shopper()
    session = await opened(world, customer_id, capture=DELAYED, grace_seconds=600, items=an_order())
    shopper = browser(world)
    paid = await pay(shopper, session, session.client_secret)
    paid.client_secret = session.client_secret
    return shopper, paid


async def remove(shopper: World, session, *removals, key: str = ""):
    return await undo(
        shopper,
        session.payment.id,
        key=key or ids.new("key"),
        client_secret=session.client_secret,
        remove=removals,
    )


async def published_removals(world: World):
    rows = await world.rows(
        "SELECT body FROM outbox WHERE merchant_id = $1"
        " AND subject = 'incasso.oneclick.order.items_removed' ORDER BY seq",
        world.merchant_id,
    )
    return [events_pb2.OrderItemsRemoved.FromString(row["body"]) for row in rows]


async def test_a_browser_may_not_set_the_amount(world: World):
    shopper, session = await shopping(world)
    with pytest.raises(Refusal) as refused:
        await undo(
            shopper, session.payment.id, amount=money(1), client_secret=session.client_secret
        )
    assert [(v.field, v.description) for v in refused.value.violations] == [
        ("amount", "can only be set with a secret key")
    ]
    assert world.payments.payment(session.payment.id).capturable_minor == 5990


async def test_a_browser_removes_items_at_the_shops_prices(world: World):
    shopper, session = await shopping(world)
    lowered = await remove(shopper, session, removal("shoes", 1), removal("socks"))
    assert (lowered.state, lowered.capturable_minor) == (State.STATE_AUTHORISED, 2490)
    seen = await find_session(shopper, session, session.client_secret)
    assert [(item.id, item.quantity) for item in seen.items] == [("shoes", 1), ("shipping", 1)]
    (charge,) = await world.charges()
    assert (charge["amount_minor"], charge["lowering"], charge["due_at"]) == (2490, None, None)
    (event,) = await published_removals(world)
    assert (event.payment_id, event.amount) == (session.payment.id, money(2490))
    assert [(r.item_id, r.quantity) for r in event.removed] == [("shoes", 1), ("socks", 3)]
    assert [(r.item_id, r.quantity) for r in event.left] == [("shoes", 1), ("shipping", 1)]


async def test_removals_build_on_earlier_ones(world: World):
    shopper, session = await shopping(world)
    await remove(shopper, session, removal("socks", 1))
    lowered = await remove(shopper, session, removal("socks", 2))
    assert lowered.capturable_minor == 4490
    for too_much in (removal("socks"), removal("shoes", 3), removal("shipping")):
        with pytest.raises(Refusal) as refused:
            await remove(shopper, session, too_much)
        assert refused.value.reason == "item_not_removable"


async def test_removing_every_removable_item_cancels_the_order(world: World):
    shopper, session = await shopping(world)
    undone = await remove(shopper, session, removal("shoes"), removal("socks"))
    assert undone.state == State.STATE_CANCELLED


async def test_the_shops_server_removes_items_too(world: World):
    payment = await delayed(world, items=an_order())
    assert (await undo(world, payment.id, remove=[removal("socks")])).capturable_minor == 4490


async def test_items_cannot_be_removed_after_the_shop_set_an_amount(world: World):
    shopper, session = await shopping(world)
    await undo(world, session.payment.id, amount=money(3000))
    assert (await find_session(world, session)).items == []
    with pytest.raises(Refusal) as refused:
        await remove(shopper, session, removal("socks"))
    assert refused.value.reason == "item_not_removable"
    assert await published_removals(world) == []


async def test_an_undo_with_both_amount_and_items_is_refused(world: World):
    payment = await delayed(world, items=an_order())
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id, amount=money(1), remove=[removal("socks")])
    assert refused.value.violations[0].field == "remove"


async def test_items_that_do_not_sum_to_the_amount_are_refused(world: World):
    customer_id = await world.shopper()
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, 5991, items=an_order())
    assert refused.value.violations[0].field == "items"
    with pytest.raises(Refusal) as refused:
        await opened(world, customer_id, items=an_order()[:1])
    assert refused.value.violations[0].field == "items"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_unanswered_removal_is_completed_by_its_repeat_or_the_worker(world, when):
    """It ends once, whichever comes first, and the repeat has the answer."""
    shopper, session = await shopping(world)
    for number, (key, by_worker) in enumerate([("one", False), ("two", True)], start=1):
        getattr(world.payments, when)["LowerPayment"] = once(lose_answer)
        with pytest.raises(Refusal) as refused:
            await remove(shopper, session, removal("socks", 1), key=key)
        assert refused.value.reason == "outcome_unknown"
        with pytest.raises(Refusal) as refused:
            await remove(shopper, session, removal("shoes", 1))
        assert refused.value.reason == "undo_in_progress"
        if by_worker:
            await world.make_due("charges")
            await worker.charge_worker(world.deps).run_once()
        lowered = await remove(shopper, session, removal("socks", 1), key=key)
        assert lowered.capturable_minor == 5990 - number * 500
        assert len(await published_removals(world)) == number


async def test_a_removal_that_payments_refuses_leaves_the_order_unchanged(world: World):
    shopper, session = await shopping(world)
    refusal = refuse(Kind.CONFLICT, "payment_not_capturable")
    world.payments.before["LowerPayment"] = once(refusal)
    with pytest.raises(Refusal) as refused:
        await remove(shopper, session, removal("socks"), key="late")
    assert refused.value.reason == "payment_not_capturable"
    assert len((await find_session(world, session)).items) == 3
    assert (await remove(shopper, session, removal("socks"), key="late")).capturable_minor == 4490


async def test_a_lowering_applied_before_the_capture_is_not_refused(world: World):
    shopper, session = await shopping(world)
    world.payments.after["LowerPayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await remove(shopper, session, removal("socks"), key="applied")
    world.payments.payment(session.payment.id).state = State.STATE_CAPTURED
    world.payments.before["LowerPayment"] = refuse(Kind.CONFLICT, "payment_not_capturable")
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    again = await remove(shopper, session, removal("socks"), key="applied")
    assert (again.state, again.capturable_minor) == (State.STATE_CAPTURED, 4490)


async def test_a_refusal_of_payments_is_passed_on(world: World):
    payment = await delayed(world)
    with pytest.raises(Refusal) as refused:
        await undo(world, payment.id, amount=money(6000))
    assert refused.value.reason == "capture_too_large"


async def test_a_browser_undoes_only_what_its_session_paid(world: World):
    other = await delayed(world)
    session = await opened(world, await world.shopper(), capture=DELAYED, grace_seconds=600)
    paid = await pay(world, session)
    shopper = browser(world)
    for payment_id, secret in ((paid.payment.id, None), (other.id, session.client_secret)):
        with pytest.raises(Refusal) as refused:
            await undo(shopper, payment_id, client_secret=secret)
        assert refused.value.reason == "client_secret_invalid"
    undone = await undo(shopper, paid.payment.id, client_secret=session.client_secret)
    assert undone.state == State.STATE_CANCELLED
