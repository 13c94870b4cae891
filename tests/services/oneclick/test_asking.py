"""A charge's request to payments: sealed, sent under one key, and looked up by it when in doubt."""

import pytest

from libs.errors import Kind, Refusal
from tests.kit.payments_double import lose_answer, once, refuse
from tests.services.oneclick.world import World


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_key_reused_in_payments_is_not_final_and_its_payment_is_looked_up(world, when):
    customer_id = await world.shopper()
    refusal = refuse(Kind.UNPROCESSABLE, "idempotency_key_reused")
    getattr(world.payments, when)["CreatePayment"] = once(refusal)
    if when == "before":
        with pytest.raises(Refusal) as refused:
            await world.charge(customer_id, key="order-1")
        assert refused.value.reason == "outcome_unknown"
        assert [row["state"] for row in await world.charges()] == ["started"]
    payment = await world.charge(customer_id, key="order-1")
    assert list(world.payments.books.values()) == [payment]
    assert [row["state"] for row in await world.charges()] == ["succeeded"]


async def test_the_request_is_stored_sealed_until_the_answer(world: World):
    customer_id = await world.shopper()
    (token,) = {setup.token for setup in world.payments.setups.values()}
    world.payments.before["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await world.charge(customer_id, key="order-1")
    (row,) = await world.charges()
    assert token.encode() not in row["request"]
    await world.charge(customer_id, key="order-1")
    assert [row["request"] for row in await world.charges()] == [None]


async def test_an_unreadable_request_is_not_sent_and_its_payment_is_looked_up(world: World):
    """For example because another version wrote it, or its seal key was lost."""
    customer_id = await world.shopper()
    for when, key in (("before", "order-1"), ("after", "order-2")):
        getattr(world.payments, when)["CreatePayment"] = once(lose_answer)
        with pytest.raises(Refusal):
            await world.charge(customer_id, key=key, order_reference=key)
        getattr(world.payments, when).clear()
    async with world.db.connection() as conn:
        await conn.execute("UPDATE charges SET request = 'of another version'")
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, key="order-1", order_reference="order-1")
    assert refused.value.reason == "outcome_unknown"
    await world.charge(customer_id, key="order-2", order_reference="order-2")
    assert [row["state"] for row in await world.charges()] == ["started", "succeeded"]
    assert len(world.payments.calls["CreatePayment"]) == 2
