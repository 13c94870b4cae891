import asyncio
from datetime import timedelta

import pytest

from incasso.payments.v1 import payments_pb2
from libs import context, idempotency
from libs.errors import (
    CursorInvalid,
    IdempotencyKeyInUse,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
)


def key(text="k1", body=b"one", merchant="mer_a"):
    return idempotency.Key(merchant, "Charge", text, body)


async def test_a_retry_gets_the_stored_answer(database):
    async with database.transaction() as conn:
        assert (await idempotency.claim(conn, key(), "pay_1")).fresh
        await idempotency.finish(conn, key(), b"answer")
    async with database.transaction() as conn:
        again = await idempotency.claim(conn, key(), "pay_2")
    assert again == idempotency.Claim(fresh=False, resource_id="pay_1", answer=b"answer")


async def test_an_effect_happens_once_and_a_retry_gets_the_same_answer(database):
    made = []

    async def effect(conn, resource_id):
        made.append(resource_id)
        return payments_pb2.CapturePaymentRequest(payment_id=resource_id)

    first = await idempotency.once(database, key(), "pay_1", effect)
    again = await idempotency.once(database, key(), "pay_2", effect)
    body = payments_pb2.CapturePaymentRequest(payment_id="pay_1").SerializeToString()
    assert made == ["pay_1"]
    assert first == idempotency.Answered(fresh=True, resource_id="pay_1", body=body)
    assert again == idempotency.Answered(fresh=False, resource_id="pay_1", body=body)


async def test_a_retry_gets_the_resource_id_if_there_is_no_body(database):
    async def effect(conn, resource_id):
        return None

    await idempotency.once(database, key(), "pay_1", effect)
    again = await idempotency.once(database, key(), "pay_2", effect)
    assert again == idempotency.Answered(fresh=False, resource_id="pay_1", body=b"")


async def test_a_refused_effect_leaves_no_key(database):
    async def refused(conn, resource_id):
        raise CursorInvalid

    async def effect(conn, resource_id):
        return None

    with pytest.raises(CursorInvalid):
        await idempotency.once(database, key(), "pay_1", refused)
    assert (await idempotency.once(database, key(), "pay_2", effect)).fresh


async def test_without_a_key_each_call_has_its_effect(database):
    async def effect(conn, resource_id):
        return None

    assert (await idempotency.once(database, None, "pay_1", effect)).fresh
    assert (await idempotency.once(database, None, "pay_1", effect)).fresh


def test_a_missing_required_key_is_refused():
    with pytest.raises(IdempotencyKeyMissing):
        idempotency.needed_key_of(payments_pb2.CapturePaymentRequest(), "CapturePayment")


async def test_another_body_under_the_same_key_is_refused(database):
    async with database.transaction() as conn:
        await idempotency.claim(conn, key(), "pay_1")
    with pytest.raises(IdempotencyKeyReused):
        async with database.transaction() as conn:
            await idempotency.claim(conn, key(body=b"two"), "pay_2")


async def test_a_key_is_in_use_until_its_lock_expires(database):
    async with database.transaction() as conn:
        await idempotency.claim(conn, key(), "pay_1", lock=timedelta(hours=1))
    with pytest.raises(IdempotencyKeyInUse):
        async with database.transaction() as conn:
            await idempotency.claim(conn, key(), "pay_2")
    async with database.transaction() as conn:
        await conn.execute("UPDATE idempotency_keys SET locked_until = now()")
    async with database.transaction() as conn:
        resumed = await idempotency.claim(conn, key(), "pay_2")
    assert resumed == idempotency.Claim(fresh=False, resource_id="pay_1")


async def test_exactly_one_of_several_concurrent_claims_resumes_a_released_key(database):
    async with database.transaction() as conn:
        await idempotency.claim(conn, key(), "pay_1")
        await idempotency.release(conn, key())

    async def attempt():
        try:
            async with database.transaction() as conn:
                return await idempotency.claim(conn, key(), "pay_x")
        except IdempotencyKeyInUse:
            return None

    claims = [c for c in await asyncio.gather(*(attempt() for _ in range(10))) if c]
    assert claims == [idempotency.Claim(fresh=False, resource_id="pay_1")]


async def test_exactly_one_of_several_concurrent_first_claims_is_fresh(database):
    async def attempt(number):
        try:
            async with database.transaction() as conn:
                claim = await idempotency.claim(conn, key(), f"pay_{number}")
                await asyncio.sleep(0.02)
                return claim.fresh
        except IdempotencyKeyInUse:
            return False

    assert sorted(await asyncio.gather(*map(attempt, range(10)))) == [False] * 9 + [True]


async def test_a_rolled_back_effect_leaves_no_key(database):
    with pytest.raises(RuntimeError):  # noqa: PT012 - the effect and its failure are one block
        async with database.transaction() as conn:
            await idempotency.claim(conn, key(), "pay_1")
            raise RuntimeError
    async with database.transaction() as conn:
        assert (await idempotency.claim(conn, key(), "pay_2")).fresh


async def test_two_merchants_can_use_the_same_key(database):
    async with database.transaction() as conn:
        assert (await idempotency.claim(conn, key(), "pay_1")).fresh
        assert (await idempotency.claim(conn, key(merchant="mer_b"), "pay_2")).fresh


def test_a_calls_key_has_its_merchant_its_text_and_a_hash_of_the_request():
    request = payments_pb2.CapturePaymentRequest(payment_id="pay_1")
    context.set_current(context.Call(merchant_id="mer_a", idempotency_key="k"))
    found = idempotency.key_of(request, "CapturePayment")
    assert found is not None
    assert (found.merchant_id, found.text, len(found.request_hash)) == ("mer_a", "k", 32)
    other = payments_pb2.CapturePaymentRequest(payment_id="pay_2")
    assert idempotency.key_of(other, "CapturePayment") != found
    context.set_current(context.Call())
    assert idempotency.key_of(request, "CapturePayment") is None
