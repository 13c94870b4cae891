"""A worker dies at each step; the next one finds the row and takes the safe action."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incasso.oneclick.v1 import events_pb2 as oneclick_events
from incasso.payments.v1 import events_pb2 as payment_events
from libs import ids
from libs.db import Conn, Database
from libs.errors import ServiceUnavailable
from libs.queues import Room
from services.notify.messages.flows import record, send
from services.notify.messages.rules import outcomes, retry
from services.notify.messages.rules.domain import PHONES, Channel, State
from services.notify.messages.store import attempts
from tests.services.notify.messages.mail_double import wait
from tests.services.notify.messages.world import World


class Died(BaseException):
    """Never caught: the process is gone."""


async def claim(world: World, *channels: Channel) -> attempts.Due:
    async with world.db.transaction() as conn:
        (due,) = await attempts.claim(conn, Room(1, 1), channels=channels, lease=retry.LEASE)
    return due


async def test_a_crash_before_connecting_is_retried_after_the_lease(world: World):
    await world.ask()
    await claim(world, Channel.EMAIL)
    assert await world.states() == ["sending"]
    await world.turn()  # the lease has not expired
    assert world.mail.inbox == []
    await world.due()
    await world.turn()
    row = await world.row()
    assert (row["state"], row["attempts"], len(world.mail.inbox)) == ("sent", 2, 1)


@pytest.mark.parametrize("way", ["email", "sms"])
async def test_a_crash_between_mark_and_hand_over_resends_sms_but_not_email(world: World, way: str):
    await (world.ask_sms() if way == "sms" else world.ask())
    due = await claim(world, Channel.EMAIL, *PHONES)
    async with world.db.connection() as conn:
        mark = attempts.Mark(due.message, "0" * 64, lease=retry.HAND_OVER_LEASE)
        assert await attempts.mark_handing_over(conn, [mark]) == [True]
    for _ in range(4):
        await world.due()
        await world.turn()
    if way == "sms":  # the provider does not know it
        assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)
    else:  # it may have arrived
        assert (await world.states(), world.mail.inbox) == (["unknown"], [])


@pytest.mark.parametrize("way", ["email", "sms"])
async def test_a_crash_after_hand_over_before_recording_sends_nothing_twice(
    world: World, monkeypatch, way: str
):
    await (world.ask_sms() if way == "sms" else world.ask())

    async def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched:  # simulates the crash only
        patched.setattr(send, "record_outcome", die)
        due = await claim(world, Channel.EMAIL, *PHONES)
        world.act()
        with pytest.raises(Died):
            await send.send_message(world.deps, due.message)
    for _ in range(4):
        await world.due()
        await world.turn()
    if way == "sms":
        assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)
    else:
        assert (await world.states(), len(world.mail.inbox)) == (["unknown"], 1)


async def test_a_worker_whose_lease_expired_sends_and_records_nothing(world: World):
    await world.ask()
    late = await claim(world, Channel.EMAIL)
    await world.due()
    await world.turn()
    assert len(world.mail.inbox) == 1
    world.act()
    await send.send_message(world.deps, late.message)
    row = await world.row()
    assert (row["state"], row["attempts"], len(world.mail.inbox)) == ("sent", 2, 1)


async def test_a_late_outcome_changes_nothing(world: World):
    await world.ask()
    late = await claim(world, Channel.EMAIL)
    await world.due()
    await world.turn()
    world.act()
    await record.record_outcome(world.deps, late.message, outcomes.Postponed("late"))
    assert await world.states() == ["sent"]


async def test_a_database_failure_before_hand_over_only_delays_the_mail(world: World, monkeypatch):
    await world.ask()

    async def gone(*_: object, **__: object) -> bool:
        raise OSError("no database")

    with monkeypatch.context() as patched:
        patched.setattr(attempts, "mark_handing_over", gone)
        await world.turn()
    assert world.mail.inbox == []
    assert await world.states() == ["queued"]
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == (["sent"], 1)


class AwayForAMoment:
    """A database whose next `times` transactions fail."""

    run = Database.run

    def __init__(self, database: Database, times: int) -> None:
        self._database = database
        self.times = times

    def connection(self) -> Any:
        return self._database.connection()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Conn]:
        if self.times:
            self.times -= 1
            raise ServiceUnavailable
        async with self._database.transaction() as conn:
            yield conn


async def test_recording_the_outcome_is_retried_when_the_database_fails(world: World):
    await world.ask()
    due = await claim(world, Channel.EMAIL)
    world.act()
    away = AwayForAMoment(world.db, times=2)
    await send.send_message(replace(world.deps, db=away), due.message)
    assert (await world.states(), len(world.mail.inbox), away.times) == (["sent"], 1, 0)


async def test_the_recipient_of_an_erased_customer_is_not_stored_afterwards(world: World):
    customer_id = ids.new("cus")
    payload = payment_events.PaymentCaptured(
        payment=world.payment(customer_id=customer_id), amount_minor=1
    )
    await world.happen(world.event("payments.payment.captured", payload))
    due = await claim(world, Channel.EMAIL)
    erased = oneclick_events.CustomerErased(customer_id=customer_id)
    await world.happen(world.event("oneclick.customer.erased", erased))
    known = replace(due.message, recipient="mario@example.com")
    mark = attempts.Mark(known, "0" * 64, lease=retry.HAND_OVER_LEASE)
    ending = attempts.Ending(known, State.SENT, outcome="accepted")
    async with world.db.connection() as conn:
        assert await attempts.mark_handing_over(conn, [mark]) == [True]
        assert (await world.row())["recipient"] == ""
        assert await attempts.finish(conn, [ending]) == {known.id}
    assert (await world.row())["recipient"] == ""


async def test_an_internal_error_is_retried_and_finally_given_up(world: World, monkeypatch):
    await world.ask()

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a template")

    monkeypatch.setattr(send.emails, "compose", broken)
    await world.turn()
    row = await world.row()
    assert (row["state"], row["error"]) == ("queued", "KeyError")
    world.time.ahead = timedelta(days=2)
    await world.due()
    await world.turn()
    assert await world.states() == ["failed"]


async def test_every_attempt_is_recorded(world: World):
    world.mail.on_data = [wait(0)]
    world.mail.refused = {"giulia@example.com": "451 4.7.1 later"}
    await world.ask()
    await world.turn()
    world.mail.refused = {}
    await world.due()
    await world.turn()
    async with world.db.connection() as conn:
        rows = await attempts_of(conn)
    assert rows == [(1, False, "postponed"), (2, True, "accepted")]


async def attempts_of(conn: Conn) -> list[tuple[int, bool, str]]:
    rows = await conn.fetch(
        "SELECT number, handing_over_at IS NOT NULL AS handed_over, outcome"
        " FROM message_attempts ORDER BY number"
    )
    return [tuple(row) for row in rows]
