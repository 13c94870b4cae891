"""Outbox, relay and consumers on a real PostgreSQL and a real NATS."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from nats.js.api import AckPolicy, ConsumerConfig
from structlog.testing import capture_logs

from libs import bus as buses
from libs import consumer as consumers
from libs import context, outbox, relay
from libs.outbox import NewEvent
from libs.tasks import cancel
from tests.waiting import HANGING_SECONDS, until

SUBJECT = "incasso.test.thing.happened"


@asynccontextmanager
async def running(*loops):
    tasks = [asyncio.create_task(loop.run()) for loop in loops]
    try:
        yield
    finally:
        await cancel(tasks)


async def append(conn, aggregate="agg_1", body=b"body", subject=SUBJECT, route=""):
    at = datetime.now(UTC)
    [event_id] = await outbox.append(conn, NewEvent("mer_a", aggregate, subject, body, at, route))
    return event_id


async def published(database):
    async with database.connection() as conn:
        return await conn.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0


def largest_body(bus):
    """The size of the largest event that can be published; its dead letter, with one more header, is too large."""
    event = buses.Event("evt_" + "0" * 26, "mer_a", "agg_1", SUBJECT, b"", "", datetime.now(UTC))
    head = sum(len(name) + len(value) + 4 for name, value in event.headers("").items())
    return bus.max_payload - buses.HEAD_BYTES - head


async def test_an_event_reaches_a_handler_once_even_if_replayed(database, bus):
    seen = []

    async def handle(conn, event):
        seen.append((event.event_id, event.merchant_id, event.aggregate_id, event.body))

    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    async with running(relay.Relay(database, bus), consumer):
        async with database.transaction() as conn:
            event_id = await append(conn)

        await until(lambda: seen)
        await until(lambda: published(database))
        async with database.transaction() as conn:
            again = await outbox.replay(
                conn,
                since=datetime.now(UTC) - timedelta(hours=1),
                until=datetime.now(UTC) + timedelta(hours=1),
            )
        assert again == 1
        async with database.transaction() as conn:
            last_id = await append(conn, body=b"last")
        await until(lambda: seen[-1][0] == last_id)  # everything sent before it has arrived, too
    assert [body for *_, body in seen] == [b"body", b"last"]
    assert seen[0] == (event_id, "mer_a", "agg_1", b"body")


async def test_a_rolled_back_effect_sends_no_event(database, bus):
    with pytest.raises(RuntimeError):  # noqa: PT012 - the effect and its failure are one block
        async with database.transaction() as conn:
            await append(conn)
            raise RuntimeError
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM outbox") == 0
        assert await outbox.age(conn) == timedelta()


async def test_two_relays_deliver_each_event_once_and_in_aggregate_order(database, bus):
    seen = []

    async def handle(conn, event):
        seen.append((event.aggregate_id, int(event.body)))

    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    relays = (relay.Relay(database, bus), relay.Relay(database, bus))
    async with running(*relays, consumer):
        for number in range(300):
            async with database.transaction() as conn:
                await append(conn, f"agg_{number % 3}", str(number).encode())

        await until(lambda: len(seen) >= 300)
    assert len(seen) == 300
    for aggregate in ("agg_0", "agg_1", "agg_2"):
        numbers = [number for name, number in seen if name == aggregate]
        assert numbers == sorted(numbers)


async def test_a_failing_event_is_retried_without_stopping_the_others(database, bus, monkeypatch):
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 0.01)
    failures = []

    async def handle(conn, event):
        if event.body == b"bad" and len(failures) < 2:
            failures.append(event.event_id)
            raise ValueError("not now")
        await conn.execute("INSERT INTO handled VALUES ($1)", event.body)

    async with database.connection() as conn:
        await conn.execute("CREATE TABLE handled (body bytea)")

    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    async with running(relay.Relay(database, bus), consumer):
        async with database.transaction() as conn:
            for body in (b"good", b"bad", b"better"):
                await append(conn, body=body)

        async def all_arrived():
            async with database.connection() as conn:
                return await conn.fetchval("SELECT count(*) FROM handled") >= 3

        await until(all_arrived)
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT body FROM handled ORDER BY body")
    assert [row["body"] for row in rows] == [b"bad", b"better", b"good"]


async def test_waiting_events_are_handled_in_batches_each_once(database, bus):
    batches = []

    async def handle(conn, events):
        assert context.current() == context.Call(actor="reader")  # no particular merchant's
        batches.append([event.body for event in events])

    bodies = [str(number).encode() for number in range(20)]
    async with database.transaction() as conn:
        for body in bodies:
            await append(conn, body=body)
    handlers = {SUBJECT: consumers.BatchHandler(handle)}
    async with running(relay.Relay(database, bus)):
        await until(lambda: published(database))

    async def all_arrived():
        return sum(map(len, batches)) >= len(bodies)

    async with running(consumers.Consumer("reader", database, bus, handlers)):
        await until(all_arrived)
    assert [body for batch in batches for body in batch] == bodies
    assert len(batches) < len(bodies)


async def test_an_event_that_fails_in_a_batch_is_retried_alone(database, bus, monkeypatch):
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 0.01)
    failed, handled = [], []

    async def handle(conn, events):
        bodies = [event.body for event in events]
        if b"bad" in bodies and len(failed) < 3:
            failed.append(bodies)
            raise ValueError("not now")
        handled.extend(bodies)

    bodies = [b"bad" if number == 3 else str(number).encode() for number in range(6)]
    async with database.transaction() as conn:
        for body in bodies:
            await append(conn, body=body)
    async with running(relay.Relay(database, bus)):
        await until(lambda: published(database))

    async def all_handled():
        return len(handled) >= len(bodies)

    handlers = {SUBJECT: consumers.BatchHandler(handle)}
    async with running(consumers.Consumer("reader", database, bus, handlers)):
        await until(all_handled)
    assert sorted(handled) == sorted(bodies)
    assert [b"bad"] in failed


async def test_an_event_that_always_fails_becomes_a_dead_letter(database, bus, monkeypatch):
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 0.001)

    async def handle(conn, event):
        raise ValueError("never")

    dead = await bus.js.subscribe(f"{buses.DEAD}.reader", durable="dead")
    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    async with running(relay.Relay(database, bus), consumer):
        async with database.transaction() as conn:
            event_id = await append(conn)
        message = await dead.next_msg(timeout=HANGING_SECONDS)
    assert message.headers["ce-id"] == event_id
    assert message.headers["incasso-error"] == "ValueError"
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM inbox") == 0


async def test_a_dead_letter_that_is_too_large_is_published_without_its_body(
    database, bus, monkeypatch
):
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 0.001)

    async def handle(conn, event):
        raise ValueError("never")

    dead = await bus.js.subscribe(f"{buses.DEAD}.reader", durable="dead")
    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    async with running(relay.Relay(database, bus), consumer):
        async with database.transaction() as conn:
            event_id = await append(conn, body=b"x" * largest_body(bus))
        message = await dead.next_msg(timeout=HANGING_SECONDS)
    assert (message.headers["ce-id"], message.data) == (event_id, b"")


async def test_events_awaiting_redelivery_do_not_block_the_others(database, bus, monkeypatch):
    """Ten batches of them; the next delivery of each is minutes away."""
    monkeypatch.setattr(consumers, "BATCH", 10)
    monkeypatch.setattr(consumers, "RETRY_DELAY_SECONDS", 300.0)
    seen = asyncio.Event()

    async def handle(conn, event):
        if event.body == b"poison":
            raise ValueError("never")
        seen.set()

    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    async with database.transaction() as conn:
        for _ in range(100):
            await append(conn, body=b"poison")
        await append(conn, body=b"good")
    with capture_logs():  # a hundred tracebacks take longer than the events
        async with running(relay.Relay(database, bus), consumer):
            await asyncio.wait_for(seen.wait(), 60)


async def test_an_older_consumer_is_updated_in_place(database, bus):
    older = ConsumerConfig(
        ack_policy=AckPolicy.EXPLICIT, max_ack_pending=1000, filter_subjects=["incasso.test.other"]
    )
    await bus.js.add_consumer(buses.STREAM, older, durable_name="reader")
    seen = asyncio.Event()

    async def handle(conn, event):
        seen.set()

    consumer = consumers.Consumer("reader", database, bus, {SUBJECT: handle})
    async with running(relay.Relay(database, bus), consumer):
        async with database.transaction() as conn:
            await append(conn)
        await asyncio.wait_for(seen.wait(), HANGING_SECONDS)
    info = await bus.js.consumer_info(buses.STREAM, "reader")
    assert info.config.max_ack_pending == -1
