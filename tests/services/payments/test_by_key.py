"""A payment is found by the key under which its caller requested it, and a key can be closed."""

import asyncio

import pytest

from libs.errors import IdempotencyKeyReused, Kind
from libs.idempotency import Key
from services.payments.errors import PaymentNotFound
from services.payments.flows import by_key
from tests.services.payments.conftest import MERCHANT, World
from tests.services.payments.grpc_client import GrpcClient
from tests.services.payments.psp_double import AUTHORISE, Fault

NOT_FOUND = (Kind.NOT_FOUND, "payment_not_found")
REUSED = (Kind.UNPROCESSABLE, "idempotency_key_reused")


def key(text: str) -> Key:
    return Key(MERCHANT, by_key.METHOD, text, b"hash")


async def test_a_payment_is_found_by_its_callers_key(client: GrpcClient):
    made = await client.create(key="och_1", actor="oneclick")
    assert made.caller_key == "och_1"
    found = await client.call("GetPaymentByKey", actor="oneclick", **ask("och_1"))
    assert found.payment == made
    listed = await client.call("ListPayments", actor="key_1")
    assert [payment.caller_key for payment in listed.data] == ["och_1"]


def ask(text: str) -> dict:
    """`key` of the message: the client's own argument is the idempotency key."""
    return {"message": {"key": text}}


async def test_another_service_or_merchant_finds_no_payment_by_the_key(client: GrpcClient):
    await client.create(key="och_1", actor="oneclick")
    for caller, merchant in (("paylink", MERCHANT), ("oneclick", "mer_2")):
        who = {"actor": caller, "merchant": merchant}
        assert await client.refused("GetPaymentByKey", **who, **ask("och_1")) == NOT_FOUND
        closed = await client.call("ClosePaymentKey", **who, **ask("och_1"))
        assert not closed.HasField("payment")
    found = await client.call("GetPaymentByKey", actor="oneclick", **ask("och_1"))
    assert found.payment.id


async def test_a_closed_key_creates_no_payment(client: GrpcClient):
    assert await client.refused("GetPaymentByKey", actor="oneclick", **ask("och_1")) == NOT_FOUND
    for _ in range(2):
        closed = await client.call("ClosePaymentKey", actor="oneclick", **ask("och_1"))
        assert not closed.HasField("payment")
    with pytest.raises(Exception, match="Idempotency-Key") as caught:
        await client.create(key="och_1", actor="oneclick")
    assert (caught.value.kind, caught.value.reason) == REUSED
    assert client.world.a.taken() == []


async def test_closing_a_used_key_returns_its_payment(client: GrpcClient):
    made = await client.create(key="och_1", actor="oneclick")
    closed = await client.call("ClosePaymentKey", actor="oneclick", **ask("och_1"))
    assert closed.payment == made
    assert await client.create(key="och_1", actor="oneclick", order_reference="A-1001") == made


async def test_closing_a_key_returns_a_payment_with_an_unknown_outcome(world: World):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    made = await world.create(key=key("och_1"))
    found = await by_key.close_payment_key(world.deps, "och_1")
    assert found is not None
    assert (found.id, found.state) == (made.id, made.state)


async def test_concurrent_use_and_closing_of_a_key_never_both_take_effect(world: World):
    for n in range(10):
        made, closed = await asyncio.gather(
            world.ask(world.order(), key(f"och_{n}")),
            by_key.close_payment_key(world.deps, f"och_{n}"),
            return_exceptions=True,
        )
        if closed is None:
            assert isinstance(made, IdempotencyKeyReused)
            with pytest.raises(PaymentNotFound):
                await by_key.get_payment_by_key(world.deps, f"och_{n}")
        else:
            assert made.id == closed.id


async def test_a_purged_key_still_creates_only_one_payment(world: World):
    made = await world.create(key=key("och_1"))
    async with world.db.connection() as conn:
        await conn.execute("DELETE FROM idempotency_keys")
    with pytest.raises(IdempotencyKeyReused):
        await world.create(key=key("och_1"))
    found = await by_key.get_payment_by_key(world.deps, "och_1")
    assert found.id == made.id
    assert len(world.a.taken()) == 1


async def test_a_payment_stored_without_its_caller_key_is_found_by_its_idempotency_row(
    world: World,
):
    made = await world.create(key=key("och_1"))
    async with world.db.connection() as conn:
        await conn.execute("UPDATE payments SET caller = '', caller_key = ''")
    found = await by_key.close_payment_key(world.deps, "och_1")
    assert found is not None
    assert found.id == made.id
