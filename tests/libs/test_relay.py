"""The relay on a real PostgreSQL and a real NATS: events that cannot be published, and the order of the others."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from libs import bus as buses
from libs import outbox, relay
from libs.outbox import NewEvent
from stack.nats import throw_away_nats

SUBJECT = "incasso.test.thing.happened"
NOT_A_SUBJECT = "incasso.test.a thing.happened"
NOBODYS = "elsewhere.thing.happened"  # no stream takes it, so it is never acknowledged


@pytest.fixture
async def bus(nats_url):
    found = await buses.connect(nats_url, service="test")
    yield found
    await found.close()


@pytest.fixture
async def conn(database):
    async with database.connection() as found:
        yield found


def relay_of(database, bus, **options):
    """A relay that retries failed events in its next turn."""
    return relay.Relay(database, bus, retry=timedelta(), **options)


async def append(conn, merchant="mer_a", *, subject=SUBJECT, body=b"body", count=1):
    at = datetime.now(UTC)
    for _ in range(count):
        [event_id] = await outbox.append(conn, NewEvent(merchant, "agg_1", subject, body, at))
    return event_id


async def waiting(conn):
    rows = await conn.fetch(
        "SELECT merchant_id, count(*) FROM outbox"
        " WHERE published_at IS NULL AND set_aside_at IS NULL GROUP BY merchant_id"
    )
    return dict(rows)


async def tries(conn):
    return await conn.fetchval("SELECT max(tries) FROM outbox")


async def drain(the_relay, conn):
    while await the_relay.turn(conn):
        pass


async def test_unpublishable_events_do_not_block_the_others(database, bus, conn):
    async with database.transaction() as tx:
        await append(tx, subject=NOT_A_SUBJECT, count=relay.BATCH)
        await append(tx)
        await append(tx, "mer_b")
    for _ in range(relay.MAX_TRIES + 1):
        await relay_of(database, bus).turn(conn)
    assert await waiting(conn) == {}
    assert len(await outbox.set_aside(conn, limit=1000)) == relay.BATCH


async def test_another_merchants_event_does_not_wait_for_unpublishable_ones(database, bus, conn):
    async with database.transaction() as tx:
        await append(tx, subject=NOT_A_SUBJECT, count=relay.BATCH)
        await append(tx, "mer_b")
    await relay_of(database, bus).turn(conn)
    assert await waiting(conn) == {"mer_a": relay.BATCH}


async def test_an_oversized_event_is_set_aside_listed_and_logged(database, bus, conn):
    large = await append(conn, body=b"x" * (bus.max_payload + 1))
    later = await append(conn)
    with capture_logs() as logs:
        for _ in range(relay.MAX_TRIES):
            await relay_of(database, bus).turn(conn)
    (found,) = await outbox.set_aside(conn, limit=10)
    assert (found.event_id, found.error) == (large, "MaxPayloadError")
    assert found.size == bus.max_payload + 1
    assert REGISTRY.get_sample_value("incasso_outbox_set_aside") == 1
    assert [log["event_id"] for log in logs if log["log_level"] == "error"] == [large]
    assert await waiting(conn) == {}, f"{later} goes before it"
    assert (await outbox.age(conn)).total_seconds() == 0


async def test_an_event_that_is_too_large_with_its_headers_leaves_the_connection_open(
    database, bus, conn
):
    """Otherwise the server would close it and block all other events."""
    await append(conn, body=b"x" * bus.max_payload)
    await append(conn, "mer_b")
    await relay_of(database, bus).turn(conn)
    assert bus.connected
    assert await waiting(conn) == {"mer_a": 1}


async def test_a_released_event_is_retried(database, bus, conn):
    event_id = await append(conn, subject=NOT_A_SUBJECT)
    other = await append(conn, subject=NOT_A_SUBJECT)
    for _ in range(relay.MAX_TRIES):
        await relay_of(database, bus).turn(conn)
    await conn.execute("UPDATE outbox SET subject = $1", SUBJECT)
    assert await outbox.release(conn, [event_id]) == 1
    await relay_of(database, bus).turn(conn)
    assert [found.event_id for found in await outbox.set_aside(conn, limit=10)] == [other]
    assert await outbox.release(conn, None) == 1
    await relay_of(database, bus).turn(conn)
    assert await conn.fetchval("SELECT count(published_at) FROM outbox") == 2


async def test_an_unacknowledged_event_is_set_aside_if_others_are_acknowledged(database, bus, conn):
    await append(conn, subject=NOBODYS)
    for _ in range(relay.MAX_TRIES):
        await append(conn, "mer_b")
        await relay_of(database, bus).turn(conn)
    (found,) = await outbox.set_aside(conn, limit=10)
    assert (found.subject, found.error) == (NOBODYS, "NoStreamResponseError")


async def test_a_nats_outage_counts_tries_only_for_invalid_subjects(database, conn):
    with throw_away_nats() as server:
        bus = await buses.connect(server.url, service="test")
    bus.js._timeout = 0.2  # for each publish
    await append(conn, count=3)
    for _ in range(relay.MAX_TRIES):
        with pytest.raises(TimeoutError):
            await relay_of(database, bus).turn(conn)
    await append(conn, subject=NOT_A_SUBJECT)
    await relay_of(database, bus).turn(conn)
    assert await conn.fetchval("SELECT sum(tries) FROM outbox WHERE subject = $1", SUBJECT) == 0
    assert await tries(conn) == 1, "what is no subject is at fault all the same"
    await bus.close()


async def test_one_merchants_flood_does_not_delay_the_others(database, bus, conn):
    async with database.transaction() as tx:
        await append(tx, count=3 * relay.BATCH)
        for number in range(20):
            await append(tx, f"mer_b{number:02}", count=2)
    await relay_of(database, bus).turn(conn)
    assert set(await waiting(conn)) == {"mer_a"}


async def test_merchants_beyond_one_turns_limit_are_served_in_later_turns(database, bus, conn):
    async with database.transaction() as tx:
        for number in range(25):
            await append(tx, f"mer_{number:02}", count=100)
    one = relay_of(database, bus, merchants=10)
    for _ in range(3):
        assert await one.turn(conn)
    assert all(count < 100 for count in (await waiting(conn)).values())
    await drain(one, conn)
    assert await waiting(conn) == {}


async def test_a_turn_publishes_a_bounded_number_of_bytes(database, bus, conn):
    body = b"x" * (bus.max_payload - 4096)
    async with database.transaction() as tx:
        await append(tx, body=body, count=12)
    one = relay_of(database, bus)
    assert await one.turn(conn)
    sent = 12 - (await waiting(conn))["mer_a"]
    assert 1 <= sent <= relay.BATCH_BYTES // len(body) + 1
    await drain(one, conn)
    assert await waiting(conn) == {}
