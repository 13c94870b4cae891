"""An outcome is written with all its effects, or not at all."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from libs.outbox import NewEvent
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.states import AttemptState, State
from services.payments.store import attempts, recording
from services.payments.store.recording import Following
from tests.kit.connections import until_locked_out
from tests.services.payments.conftest import MERCHANT, World, key
from tests.services.payments.psp_double import AUTHORISE, Fault

KEY = key("waits")


@dataclass
class Doubt:
    """A payment whose PSP call has no answer, and the key of the call that waits for it."""

    world: World
    payment: Payment
    attempt: Attempt

    async def save(self, **wrong: object) -> bool:
        """Approves it. `wrong`: what the caller wrongly believes about payment or attempt."""
        believed = AttemptState(wrong.pop("attempt_state", self.attempt.state))
        before = replace(self.payment, **wrong)  # type: ignore[arg-type]  # values of any field
        event = NewEvent(MERCHANT, self.payment.id, "first", b"", datetime.now(UTC))
        async with self.world.db.connection() as conn:
            return await recording.save(
                conn,
                (before, believed),
                (
                    replace(before, state=State.AUTHORISED, authorised_minor=5990),
                    replace(self.attempt, state=AttemptState.APPROVED),
                ),
                Following(event.at, [event, replace(event, subject="second")], KEY, b"answer"),
            )

    async def written(self) -> tuple[str, str, list[str], bytes | None]:
        [attempt] = await self.world.attempts()
        [held] = await self.world.rows("SELECT answer FROM idempotency_keys")
        payment = await self.world.get(self.payment)
        return payment.state.value, attempt["state"], await self.world.subjects(), held["answer"]


NOTHING = ("processing", "unknown", [], None)
EVERYTHING = ("authorised", "approved", ["first", "second"], b"answer")


@pytest.fixture
async def doubt(world: World) -> Doubt:
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    payment = await world.create(key=KEY)
    [row] = await world.attempts()
    async with world.db.connection() as conn:
        attempt = await attempts.get(conn, MERCHANT, row["id"])
    assert attempt is not None
    return Doubt(world, payment, attempt)


async def test_an_outcome_is_written_with_all_its_effects(doubt: Doubt):
    assert await doubt.save()
    assert await doubt.written() == EVERYTHING


@pytest.mark.parametrize(
    "wrong",
    [{"version": 0}, {"state": State.PENDING}, {"attempt_state": AttemptState.STARTED}],
    ids=["version", "state", "attempt"],
)
async def test_nothing_is_written_when_payment_or_attempt_has_changed(doubt: Doubt, wrong):
    """Nor is the payment written alone if only the attempt has changed."""
    assert not await doubt.save(**wrong)
    assert await doubt.written() == NOTHING


async def test_only_one_of_eight_concurrent_writers_succeeds(doubt: Doubt):
    assert sorted(await asyncio.gather(*(doubt.save() for _ in range(8)))) == [False] * 7 + [True]
    assert await doubt.written() == EVERYTHING


@pytest.mark.parametrize(
    ("meanwhile", "saved"),
    [
        ("UPDATE payments SET version = version + 1", False),
        ("UPDATE attempts SET state = 'pending'", False),
        ("UPDATE payments SET due_at = now()", True),
        ("UPDATE attempts SET next_recovery_at = now() + interval '1 hour'", True),
    ],
)
async def test_a_writer_that_waited_for_a_lock_sees_changes_made_meanwhile(
    doubt: Doubt, *, meanwhile: str, saved: bool
):
    async with doubt.world.db.transaction() as tx:
        await tx.execute(meanwhile)
        saving = asyncio.create_task(doubt.save())
        await until_locked_out(doubt.world.db)
        assert not saving.done()
    assert await saving is saved
    state, attempt_state, subjects, answer = await doubt.written()
    if saved:
        assert (state, attempt_state, subjects, answer) == EVERYTHING
    else:
        assert (state, subjects, answer) == ("processing", [], None)
        assert attempt_state != "approved"


async def test_without_an_answer_the_key_is_unlocked(doubt: Doubt):
    await doubt.world.rows("UPDATE idempotency_keys SET locked_until = now() + interval '1 hour'")
    pending = replace(doubt.attempt, state=AttemptState.PENDING)
    before = (doubt.payment, doubt.attempt.state)
    following = Following(now=datetime.now(UTC), key=KEY, ask_in=timedelta(hours=1))
    async with doubt.world.db.connection() as conn:
        assert await recording.save(conn, before, (doubt.payment, pending), following)
    [held] = await doubt.world.rows(
        "SELECT answer, locked_until <= clock_timestamp() AS free FROM idempotency_keys"
    )
    assert (held["answer"], held["free"]) == (None, True)
    assert await doubt.world.subjects() == []
