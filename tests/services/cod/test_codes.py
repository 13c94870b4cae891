"""One-time codes: only the right one confirms, for its own order, in time and within few tries."""

import asyncio
import base64
import hashlib
from datetime import timedelta

import pytest
import pytest_asyncio

from incasso.cod.v1 import events_pb2
from incasso.cod.v1 import orders_pb2 as pb
from libs import ids
from libs.proofs import Proofs
from services.cod.rules import codes
from tests.services.cod.orders import GIULIA
from tests.services.cod.refusing import refused

WRONG = "cod_code_wrong"


@pytest_asyncio.fixture(loop_scope="session")
async def shop(shop):
    """A shop that has its orders confirmed."""
    await shop.world.settings(confirmation_needed=True)
    return shop


def other_than(code: str) -> str:
    return codes.spelt((int(code) + 1) % 10**codes.DIGITS)


async def test_an_order_is_confirmed_by_its_code(shop):
    order = await shop.propose()
    assert order.state == pb.CodOrder.STATE_PROPOSED
    (message,) = await shop.messages(order.id)
    assert message.reason == events_pb2.CodMessageRequested.REASON_CODE
    assert (message.recipient, message.amount.amount_minor) == (GIULIA["phone"], 50_00)
    code = await shop.code(order.id)
    confirmed = await shop.confirm(order.id, f" {code[:3]} {code[3:]} ")
    assert confirmed.state == pb.CodOrder.STATE_CONFIRMED
    assert await shop.published(order.id) == ["order.proposed", "order.confirmed"]


async def test_an_order_is_not_dispatched_before_it_is_confirmed(shop):
    order = await shop.propose()
    await shop.acknowledge(order)
    assert await refused(shop.dispatch(order)) == "cod_order_not_confirmed"
    await shop.confirm(order.id, await shop.code(order.id))
    assert (await shop.dispatch(order)).state == pb.CodOrder.STATE_DISPATCHED


async def test_after_too_many_wrong_codes_the_right_one_is_refused(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    for _ in range(codes.TRIES):
        assert await refused(shop.confirm(order.id, other_than(code))) == WRONG
    assert await refused(shop.confirm(order.id, code)) == WRONG
    assert await refused(shop.code(order.id)) == "cod_code_over"
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_PROPOSED


async def test_wrong_codes_sent_at_once_all_count(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    wrong = (shop.confirm(order.id, other_than(code)) for _ in range(codes.TRIES))
    assert await asyncio.gather(*map(refused, wrong)) == [WRONG] * codes.TRIES
    assert await refused(shop.confirm(order.id, code)) == WRONG


async def test_the_right_code_is_accepted_at_the_last_try(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    for _ in range(codes.TRIES - 1):
        await refused(shop.confirm(order.id, other_than(code)))
    assert (await shop.confirm(order.id, code)).state == pb.CodOrder.STATE_CONFIRMED


async def test_a_code_is_used_once(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    await shop.confirm(order.id, code)
    assert await refused(shop.confirm(order.id, code)) == WRONG


async def test_a_replay_with_the_same_key_is_not_another_try(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    wrong = ids.new("key")
    for _ in range(codes.TRIES + 1):  # all are the same attempt
        assert await refused(shop.confirm(order.id, other_than(code), key=wrong)) == WRONG
    key = ids.new("key")
    confirmed = await shop.confirm(order.id, code, key=key)
    assert await shop.confirm(order.id, code, key=key) == confirmed


async def test_another_orders_code_is_wrong(shop):
    order, other = await shop.propose(), await shop.propose()
    assert await refused(shop.confirm(order.id, await shop.code(other.id))) == WRONG
    assert (await shop.get(order.id)).state == pb.CodOrder.STATE_PROPOSED


async def test_an_expired_code_is_wrong(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    shop.world.ahead = codes.VALID + timedelta(seconds=1)
    assert await refused(shop.confirm(order.id, code)) == WRONG
    assert await refused(shop.code(order.id)) == "cod_code_over"


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345x"])
async def test_a_malformed_code_is_wrong(shop, code):
    order = await shop.propose()
    assert await refused(shop.confirm(order.id, code)) == WRONG


async def test_a_new_code_is_sent_after_a_minute_and_voids_the_first(shop):
    order = await shop.propose()
    first = await shop.code(order.id)
    work = shop.call("SendCodCode", cod_order_id=order.id, key=ids.new("key"))
    assert await refused(work) == "too_many_codes"
    shop.world.ahead = codes.APART
    key = ids.new("key")
    for _ in range(2):
        await shop.call("SendCodCode", cod_order_id=order.id, key=key)
    assert len(await shop.messages(order.id)) == 2
    second = await shop.code(order.id)
    if first != second:  # they are equal once in a million
        assert await refused(shop.confirm(order.id, first)) == WRONG
    assert (await shop.confirm(order.id, second)).state == pb.CodOrder.STATE_CONFIRMED


async def test_the_number_of_codes_per_order_is_limited(shop):
    order = await shop.propose()
    for number in range(1, codes.MOST):
        shop.world.ahead = codes.APART * number
        await shop.call("SendCodCode", cod_order_id=order.id, key=ids.new("key"))
    shop.world.ahead += timedelta(days=1)
    work = shop.call("SendCodCode", cod_order_id=order.id, key=ids.new("key"))
    assert await refused(work) == "too_many_codes"


async def test_a_confirmed_order_gets_no_other_code(shop):
    order = await shop.propose()
    await shop.confirm(order.id, await shop.code(order.id))
    shop.world.ahead = codes.APART
    work = shop.call("SendCodCode", cod_order_id=order.id, key=ids.new("key"))
    assert await refused(work) == "cod_order_closed"


async def test_a_code_is_emailed_without_a_phone_and_refused_without_both(shop):
    order = await shop.propose(recipient={"name": "Giulia", "email": GIULIA["email"]})
    (message,) = await shop.messages(order.id)
    assert message.channel == events_pb2.CodMessageRequested.CHANNEL_EMAIL
    work = shop.propose(recipient={"name": "Giulia"})
    assert await refused(work) == "recipient_unreachable"


async def test_a_code_is_stored_nowhere_in_the_clear(shop):
    order = await shop.propose()
    code = await shop.code(order.id)
    async with shop.world.deps.db.connection() as conn:
        (row,) = await conn.fetch("SELECT * FROM codes WHERE order_id = $1", order.id)
        bodies = await conn.fetch("SELECT body FROM outbox WHERE aggregate_id = $1", order.id)
        answers = await conn.fetch("SELECT answer FROM idempotency_keys")
    assert code not in row["sealed"]
    assert not any(code.encode() in row["body"] for row in bodies)
    assert not any(code.encode() in (row["answer"] or b"") for row in answers)
    unkeyed = hashlib.sha256(codes.subject(order.id, code).encode()).digest()
    assert row["proof"] != unkeyed  # which would reveal six digits in a second


def test_a_code_stays_valid_after_a_rotation_of_the_seal_key():
    """As after a rotation: the proof was made under the older key."""
    keys = [base64.urlsafe_b64encode(bytes([n]) * 32).decode() for n in (1, 2)]
    before, after = Proofs("cod codes", keys[1:]), Proofs("cod codes", keys)
    assert before.of("x") in after.all_of("x")
