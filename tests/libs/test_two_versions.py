"""Two versions of a service share a consumer, as in every rollout."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from nats.js.errors import NotFoundError
from prometheus_client import REGISTRY

from libs import bus as buses
from libs import consumer as consumers
from libs.bus import Event
from libs.consumer import Consumer
from libs.tasks import cancel
from tests.waiting import HANGING_SECONDS, until

KNOWN = "incasso.test.thing.happened"  # handled by both versions
NEWER = "incasso.test.thing.changed"  # handled by the new version only


@asynccontextmanager
async def running(consumer):
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        await cancel([task])


async def publish(bus, subject):
    event = Event(f"evt_{subject}", "mer_a", "agg_1", subject, b"body", "", datetime.now(UTC))
    await bus.publish(subject, event.body, event.headers(""))


def retried():
    labels = {"consumer": "reader", "outcome": "retried"}
    return REGISTRY.get_sample_value("incasso_events_consumed_total", labels) or 0


def into(found):
    async def handle(_, event):
        found.append(event.subject)

    return handle


async def refuse(_, event):
    raise AssertionError(event.subject)


async def test_an_event_that_only_the_new_version_handles_is_left_to_it(
    database, bus, fresh_nats_url, monkeypatch
):
    """If the old replica acknowledged the event, it would be lost: no handler has seen it."""
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(consumers, "ACK_WAIT_SECONDS", 1)  # for events the old one held at its end
    by_old, by_new, before = [], [], retried()
    old_bus = await buses.connect(fresh_nats_url, service="test")
    old = Consumer("reader", database, old_bus, {KNOWN: into(by_old)})
    new = Consumer("reader", database, bus, {KNOWN: into(by_new), NEWER: into(by_new)})

    async def old_is_there():
        try:
            await bus.js.consumer_info(buses.STREAM, "reader")
        except NotFoundError:
            return False
        return True

    async def old_has_seen_both():
        return by_old and retried() > before

    async def new_has_seen_its_own():
        return bool(by_new)

    async with running(old):
        await until(old_is_there)
        await new.set_up()
        await publish(bus, NEWER)
        await publish(bus, KNOWN)
        await until(old_has_seen_both)
    await old_bus.close()  # as when its process ends
    async with running(new):
        await until(new_has_seen_its_own)
    assert (by_old, by_new) == ([KNOWN], [NEWER])


async def test_an_event_that_no_version_handles_any_more_becomes_a_dead_letter(
    database, bus, monkeypatch
):
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 0.001)
    monkeypatch.setattr(consumers, "LEFT_TO_OTHERS", timedelta(seconds=1))
    dead = await bus.js.subscribe(f"{buses.DEAD}.reader", durable="dead")
    await Consumer("reader", database, bus, {KNOWN: refuse, NEWER: refuse}).set_up()
    await publish(bus, NEWER)
    under_way = await bus.js.pull_subscribe_bind("reader", buses.STREAM)
    (message,) = await under_way.fetch(1)
    await message.nak()
    async with running(Consumer("reader", database, bus, {KNOWN: refuse})):
        buried = await dead.next_msg(timeout=HANGING_SECONDS)
    assert buried.headers["ce-type"] == NEWER
    assert buried.headers["incasso-error"] == "SubjectNotHandledError"
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM inbox") == 0
