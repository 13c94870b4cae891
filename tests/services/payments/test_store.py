"""What the database itself forbids, whatever the code does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from libs import idempotency
from libs.db import CheckViolation, UniqueViolation
from libs.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from libs.idempotency import Claim, Key
from services.payments.rules import domain
from services.payments.rules.domain import Attempt
from services.payments.rules.states import AttemptKind, AttemptState, State
from services.payments.store import attempts, intents, notices, payments
from services.payments.store.intents import First
from tests.services.payments.conftest import MERCHANT, World, key

SOON = timedelta(seconds=12)


def attempt(payment: domain.Payment, name: str, kind: AttemptKind) -> Attempt:
    return Attempt(
        merchant_id=MERCHANT,
        id=name,
        payment_id=payment.id,
        kind=kind,
        psp_account_id=payment.psp_account_id,
        amount_minor=1,
        created_at=datetime.now(UTC),
    )


async def insert(world: World, made: Attempt) -> None:
    async with world.db.transaction() as conn:
        await attempts.insert(conn, made, ask_in=SOON)


async def test_a_stored_payment_is_read_back_unchanged(world: World):
    payment = await world.create()
    [row] = await world.attempts()
    async with world.db.connection() as conn:
        read = await payments.get(conn, MERCHANT, payment.id)
        made = await attempts.get(conn, MERCHANT, row["id"])
    assert read == payment
    assert made is not None
    assert (made.token, made.state) == ("", AttemptState.APPROVED)


@pytest.mark.parametrize(
    "change",
    [
        "captured_minor = authorised_minor + 1",
        "capturing_minor = 1",
        "refunded_minor = captured_minor + 1",
        "refunding_minor = captured_minor, refunded_minor = 1",
        "refunding_minor = -1",
        "authorised_minor = amount_minor + 1",
        "state = 'lost'",
    ],
)
async def test_impossible_amounts_and_states_are_refused(world: World, change: str):
    await world.create()
    with pytest.raises(CheckViolation):
        await world.rows(f"UPDATE payments SET {change}")


async def test_a_second_authorisation_needs_the_first_declined(world: World):
    payment = await world.create()
    with pytest.raises(UniqueViolation):
        await insert(world, attempt(payment, "att_2", AttemptKind.AUTHORISE))
    await world.rows("UPDATE attempts SET state = 'declined'")
    await insert(world, attempt(payment, "att_2", AttemptKind.AUTHORISE))


async def test_a_payment_is_captured_or_cancelled_but_never_both(world: World):
    payment = await world.hold()
    await insert(world, attempt(payment, "att_2", AttemptKind.CAPTURE))
    for kind in (AttemptKind.CANCEL, AttemptKind.CAPTURE):
        with pytest.raises(UniqueViolation):
            await insert(world, attempt(payment, "att_3", kind))
    await insert(world, attempt(payment, "ref_1", AttemptKind.REFUND))
    await insert(world, attempt(payment, "ref_2", AttemptKind.REFUND))


async def test_a_payment_changed_meanwhile_is_not_saved(world: World):
    payment = await world.create()
    async with world.db.transaction() as conn:
        saved = await payments.save(conn, payment, replace(payment, due_at=None))
        assert saved is not None
        assert saved.version == payment.version + 1
        assert await payments.save(conn, payment, payment) is None
        other_state = replace(saved, state=State.PROCESSING)
        assert await payments.save(conn, other_state, saved) is None


async def insert_copy(
    world: World, payment: domain.Payment, name: str, key: Key | None
) -> Claim | First:
    """A copy of the payment and its attempt, for another order and with other ids."""
    copy = replace(payment, id=f"pay_{name}", order_reference=f"order {name}")
    made = attempt(copy, f"att_{name}", AttemptKind.AUTHORISE)
    async with world.db.connection() as conn:
        return await intents.claim_and_insert(conn, key, copy, made, ask_in=SOON)


async def ids(world: World, table: str) -> list[str]:
    return [row["id"] for row in await world.rows(f"SELECT id FROM {table} ORDER BY id")]


async def test_a_payment_is_written_only_when_its_key_is_new(world: World):
    like = await world.create()
    await world.rows("DELETE FROM payments")
    await world.rows("DELETE FROM attempts")
    assert await insert_copy(world, like, "1", key("k")) == Claim(fresh=True, resource_id="pay_1")
    with pytest.raises(IdempotencyKeyInUse):
        await insert_copy(world, like, "2", key("k"))
    with pytest.raises(IdempotencyKeyReused):
        await insert_copy(world, like, "2", key("k", body="other"))
    async with world.db.connection() as conn:
        await idempotency.release(conn, key("k"))
    resumed = await insert_copy(world, like, "2", key("k"))
    assert resumed == Claim(fresh=False, resource_id="pay_1")
    async with world.db.connection() as conn:
        await idempotency.finish(conn, key("k"), b"answer")
    answered = await insert_copy(world, like, "2", key("k"))
    assert answered == Claim(fresh=False, resource_id="pay_1", answer=b"answer")
    assert await insert_copy(world, like, "3", None) == Claim(fresh=True, resource_id="pay_3")
    assert await ids(world, "payments") == ["pay_1", "pay_3"]
    assert await ids(world, "attempts") == ["att_1", "att_3"]


async def test_a_payment_that_cannot_be_written_leaves_no_key(world: World):
    payment = await world.create()
    with pytest.raises(UniqueViolation):
        await insert_copy(world, payment, payment.id.removeprefix("pay_"), key("k"))
    assert await world.rows("SELECT FROM idempotency_keys") == []


async def test_a_webhook_is_accepted_once_per_account(world: World):
    one, other = (await world.deps.routing_cache.of(MERCHANT)).accounts
    async with world.db.transaction() as conn:
        assert await notices.take(conn, one, "e", b"")
        assert not await notices.take(conn, one, "e", b"")
        assert await notices.take(conn, other, "e", b"")


async def test_doubts_report_the_oldest_age_and_the_unresolved_count(world: World):
    payment = await world.create()
    async with world.db.connection() as conn:
        assert await attempts.doubts(conn) == (timedelta(), 0)
    await insert(world, attempt(payment, "ref_1", AttemptKind.REFUND))
    await world.rows(
        "UPDATE attempts SET started_at = now() - interval '1 hour', unresolved_since = now()"
        " WHERE id = 'ref_1'"
    )
    async with world.db.connection() as conn:
        age, unresolved = await attempts.doubts(conn)
    assert age > timedelta(minutes=59)
    assert unresolved == 1
