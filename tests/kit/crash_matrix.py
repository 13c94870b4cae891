"""The crash matrix for calls to another service, usually payments (libs/payments): a process dies
at each moment, or its call is lost; after recovery there must be one payment, or none and a row that
says so.

A service gets it by writing one class, and a fixture `subject` that creates one thing to pay:

    class TestClicks(CrashMatrix): ...
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from libs.errors import Refusal
from libs.payments.asking import ABANDON_AFTER
from libs.payments.due import DueRow
from tests.kit.crashing import Death, Moment, ProcessDied, Subject, double_of

LONG = ABANDON_AFTER + timedelta(minutes=1)
ALL = list(Moment)
ASKED = [m for m in Moment if m not in {Moment.BEFORE_INTENT, Moment.AFTER_INTENT}]
WITH_PAYMENT = [m for m in ASKED if m is not Moment.NEVER_ARRIVED]


async def struck(subject: Subject, moment: Moment, *, arrives: bool = True) -> Death:
    """Pays the subject in a process that dies, or loses its call, at `moment`."""
    death = Death(subject, moment)
    subject.world.act()
    with suppress(ProcessDied, Refusal):
        await subject.pay(death.deps)
    if arrives:
        await death.arrive()
    return death


async def change(subject: Subject, sql: str, *values: object) -> None:
    async with subject.world.deps.db.connection() as conn:
        await conn.execute(sql, subject.world.merchant_id, *values)


async def later(subject: Subject) -> None:
    """Expires the dead process's leases, and makes scheduled work due."""
    old = "locked_until = now() - interval '1 s'"
    await change(subject, f"UPDATE idempotency_keys SET {old} WHERE merchant_id = $1")
    sql = f"UPDATE {subject.table} SET due_at = now() WHERE due_at IS NOT NULL AND merchant_id = $1"
    await change(subject, sql)


async def age(subject: Subject, by: timedelta = LONG) -> None:
    sql = f"UPDATE {subject.table} SET begun_at = begun_at - $2::interval WHERE merchant_id = $1"
    await change(subject, sql, by)


async def work(subject: Subject) -> None:
    await later(subject)
    await subject.worker(subject.world.deps).run_once()


async def repeat(subject: Subject) -> None:
    """Retries once the leases have expired, like a caller that got no answer."""
    await later(subject)
    subject.world.act()
    await subject.pay(subject.world.deps)


def effects(subject: Subject) -> list[Any]:
    """The calls that payments has executed."""
    return list(double_of(subject).effects(subject.rpc).values())


async def expect(subject: Subject, state: str) -> None:
    """Asserts that row and books agree, and that payments was called under one idempotency key."""
    assert await subject.state() == state
    assert len(effects(subject)) == (1 if state == "paid" else 0)
    assert len(set(double_of(subject).keys[subject.rpc])) <= 1


class CrashMatrix:
    """`gives_up`: whether requests that were not sent in time are abandoned."""

    gives_up = True

    @pytest.mark.parametrize("moment", ALL)
    async def test_a_retry_pays_once(self, subject: Subject, moment: Moment):
        await struck(subject, moment)
        await repeat(subject)
        await work(subject)
        await expect(subject, "paid")
        with suppress(Refusal):  # it may be refused now that it is paid, but must not be paid twice
            await repeat(subject)
        await expect(subject, "paid")

    @pytest.mark.parametrize("moment", ALL)
    async def test_the_worker_finishes_a_begun_payment_without_a_retry(self, subject, moment):
        await struck(subject, moment)
        await work(subject)
        await expect(subject, "open" if moment is Moment.BEFORE_INTENT else "paid")

    @pytest.mark.parametrize("moment", WITH_PAYMENT)
    async def test_an_event_alone_completes_the_payment(self, subject, moment):
        await struck(subject, moment)
        for payment in effects(subject) * 2:
            await subject.deliver(payment)
            await expect(subject, "paid")

    @pytest.mark.parametrize("moment", ALL)
    async def test_concurrent_workers_retry_and_event_pay_once(self, subject, moment):
        death = await struck(subject, moment, arrives=False)
        await later(subject)
        subject.world.act()
        await asyncio.gather(
            subject.worker(subject.world.deps).run_once(),
            subject.worker(subject.world.deps).run_once(),
            subject.pay(subject.world.deps),
            death.arrive(),
            *map(subject.deliver, effects(subject)),
            return_exceptions=True,
        )
        await work(subject)
        await expect(subject, "paid")

    @pytest.mark.parametrize("moment", ALL)
    async def test_a_stale_payment_ends_paid_or_uncharged(self, subject, moment):
        await struck(subject, moment)
        given_up = self.gives_up or moment is Moment.BEFORE_INTENT
        state = "open" if given_up and not effects(subject) else "paid"
        await age(subject)
        await work(subject)
        await expect(subject, state)

    async def test_a_call_that_arrives_after_the_end_changes_nothing(self, subject):
        death = await struck(subject, Moment.DURING_CALL, arrives=False)
        await age(subject)
        await work(subject)
        for end in ["open" if self.gives_up else "paid"] * 2:
            await expect(subject, end)
            await death.arrive()

    @pytest.mark.parametrize("first", [Moment.AFTER_INTENT, Moment.LOST_ANSWER])
    @pytest.mark.parametrize(
        "moment", [Moment.AFTER_INTENT, Moment.AFTER_CALL, Moment.AFTER_RECORD]
    )
    @pytest.mark.parametrize("long", [False, True])
    async def test_the_payment_recovers_if_the_worker_dies_too(self, subject, first, moment, long):
        await struck(subject, first)
        booked = effects(subject)
        if long:
            await age(subject)
        old = LONG if long else timedelta(seconds=20)
        row = DueRow(subject.world.merchant_id, await row_of(subject), old)
        subject.world.act()
        with pytest.raises(ProcessDied):
            await subject.settle(Death(subject, moment).deps, row)
        await work(subject)
        await expect(subject, "open" if long and self.gives_up and not booked else "paid")


async def row_of(subject: Subject) -> str:
    sql = f"SELECT id FROM {subject.table} WHERE merchant_id = $1"
    async with subject.world.deps.db.connection() as conn:
        return await conn.fetchval(sql, subject.world.merchant_id)
