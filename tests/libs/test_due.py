"""Due rows on a real PostgreSQL: each merchant gets its turn, and none waits for the slowest row."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest

from libs import clock, db, due, queues
from libs.due import DueWorker, Lookout
from libs.queues import Queue, Room
from libs.tasks import cancel
from tests.waiting import HANGING_SECONDS

TABLE = """
CREATE TABLE things (
    merchant_id text, id text, due_at timestamptz, PRIMARY KEY (merchant_id, id)
);
CREATE INDEX things_due ON things (due_at) WHERE due_at IS NOT NULL"""
FLOOD = """
INSERT INTO things SELECT 'mer_a', 'a' || n, now() - interval '1 hour' * $2::float
FROM generate_series(1, $1) AS n"""
TAKE = """
UPDATE things SET due_at = NULL FROM due
WHERE (things.merchant_id, things.id) = (due.merchant_id, due.id)
RETURNING things.merchant_id, things.id"""
CLAIM = Queue("things").claim(TAKE)
BY_TEST_CLOCK = Queue("things", by_test_clock=True).claim(TAKE)


@dataclass(frozen=True)
class Thing:
    merchant_id: str
    id: str


@pytest.fixture
async def database(new_database):
    found = await db.connect(new_database("libs"), pool_size=4, service="test")
    async with found.connection() as conn:
        await conn.raw.execute(TABLE)
    yield found
    await found.close()


@pytest.fixture
async def conn(database):
    async with database.connection() as found:
        yield found


async def add(conn, merchant_id, *, due_in=timedelta(), count=1):
    for number in range(count):
        await conn.execute(
            "INSERT INTO things VALUES ($1, $2, now() + $3)", merchant_id, f"b{number}", due_in
        )


async def claim(conn, room, how=CLAIM):
    return [Thing(**dict(row)) for row in await conn.fetch(how.sql, *room.values)]


@asynccontextmanager
async def running(worker):
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await cancel([task])


@pytest.mark.parametrize("hours_ago", [1, 0])
async def test_ten_thousand_due_rows_of_one_merchant_do_not_delay_anothers(conn, hours_ago: int):
    """Neither rows due earlier nor rows due at the same moment delay it."""
    await conn.execute(FLOOD, 10_000, hours_ago)
    await add(conn, "mer_b")
    claimed = await claim(conn, Room(8, 6))
    assert Thing("mer_b", "b0") in claimed
    assert len(claimed) == 7, "the rest is for others"


async def test_a_due_row_is_claimed_despite_another_merchants_flood(conn):
    await conn.execute(FLOOD, 5 * queues.CONSIDERED, 1)
    await add(conn, "mer_b")
    assert Thing("mer_b", "b0") in await claim(conn, Room(8, 6))


async def test_rows_are_claimed_from_each_merchant_in_turn(conn):
    for number in range(3):
        await add(conn, f"mer_{number}", due_in=timedelta(minutes=number - 10), count=5)
    claimed = await claim(conn, Room(6, 5))
    assert sorted(thing.merchant_id for thing in claimed) == sorted(["mer_0", "mer_1", "mer_2"] * 2)


async def test_running_rows_count_towards_a_merchants_share(conn):
    await add(conn, "mer_a", count=5)
    assert len(await claim(conn, Room(8, 3, {"mer_a": 2}))) == 1
    assert await claim(conn, Room(8, 3, {"mer_a": 3})) == []


async def test_replicas_claim_different_rows(database):
    async with database.connection() as conn:
        await add(conn, "mer_a", count=20)

    async def one():
        async with database.transaction() as tx:
            found = await claim(tx, Room(5, 5))
            await tx.fetchval("SELECT pg_sleep(0.05)")  # both hold their rows
            return found

    first, second = await asyncio.gather(one(), one())
    assert (len(first), len(second)) == (5, 5)
    assert not set(first) & set(second)


async def test_a_test_clock_that_runs_ahead_makes_rows_due(conn):
    await add(conn, "mer_test", due_in=timedelta(days=2))
    await add(conn, "mer_a", due_in=timedelta(days=2))
    assert await claim(conn, Room(5, 5), BY_TEST_CLOCK) == []
    await clock.follow(conn, "mer_test", 3 * 24 * 3600)
    assert await claim(conn, Room(5, 5), BY_TEST_CLOCK) == [Thing("mer_test", "b0")]


async def test_slow_rows_of_one_merchant_leave_places_for_others(database):
    never, seen = asyncio.Event(), asyncio.Event()

    async def work(thing):
        if thing.merchant_id == "mer_a":
            await never.wait()
        seen.set()

    async with database.connection() as conn:
        await add(conn, "mer_a", count=50)
        async with running(DueWorker("things", database, claim, work, interval_seconds=0.05)):
            await conn.fetchval("SELECT pg_sleep(0.2)")  # mer_a occupies all the places it can get
            await add(conn, "mer_b")
            await asyncio.wait_for(seen.wait(), HANGING_SECONDS)


async def test_free_places_are_refilled_before_the_slowest_row_ends(database):
    slow, seen = asyncio.Event(), []

    async def work(thing):
        if thing.id == "b0":
            await slow.wait()
        seen.append(thing)
        if len(seen) == 39:  # more than the number of places
            slow.set()

    async with database.connection() as conn:
        await add(conn, "mer_a", count=40)
    async with running(DueWorker("things", database, claim, work, interval_seconds=0.01)):
        await asyncio.wait_for(slow.wait(), HANGING_SECONDS)


async def test_rows_that_finish_during_a_claim_do_not_make_the_worker_pause(database):
    """If they did, the worker would pause for an hour."""
    second_claim, all_done, begun, done = asyncio.Event(), asyncio.Event(), [], []

    async def claim_while_all_end(conn, room):
        found = await claim(conn, room)
        if begun:
            second_claim.set()
            while worker._running:
                await asyncio.wait(worker._running)
        return found

    async def work(thing):
        begun.append(thing)
        if len(begun) > 4:  # of the first twelve: four may end before the next claim
            await second_claim.wait()
        done.append(thing)
        if len(done) == 40:
            all_done.set()

    async with database.connection() as conn:
        await add(conn, "mer_a", count=40)
    worker = DueWorker("things", database, claim_while_all_end, work, interval_seconds=3600)
    async with running(worker):
        await asyncio.wait_for(all_done.wait(), HANGING_SECONDS)


async def test_a_failing_row_and_a_failing_claim_do_not_end_the_worker(database):
    seen, failures = asyncio.Event(), []

    async def claim_at_last(conn, room):
        if not failures:
            failures.append("claim")
            raise ValueError
        return await claim(conn, room)

    async def work(thing):
        if thing.id == "b0":
            raise ValueError
        seen.set()

    async with database.connection() as conn:
        await add(conn, "mer_a", count=2)
    async with running(DueWorker("things", database, claim_at_last, work, interval_seconds=0.01)):
        await asyncio.wait_for(seen.wait(), HANGING_SECONDS)


@asynccontextmanager
async def watched(database, *workers):
    tasks = [asyncio.create_task(one.run()) for one in (Lookout(database, workers), *workers)]
    try:
        yield
    finally:
        await cancel(tasks)


@pytest.fixture
def _looks_often(monkeypatch):
    monkeypatch.setattr(due, "INTERVAL_SECONDS", 0.01)


@pytest.mark.usefixtures("_looks_often")
@pytest.mark.parametrize(
    ("how", "due_in"),
    [(CLAIM, timedelta()), (BY_TEST_CLOCK, timedelta()), (BY_TEST_CLOCK, timedelta(days=2))],
)
async def test_a_worker_is_woken_when_a_row_of_its_queue_is_due(database, conn, how, due_in):
    await clock.follow(conn, "mer_test", 3 * 24 * 3600)
    done = asyncio.Queue()
    worker = DueWorker("things", database, partial(claim, how=how), done.put, any_due=how.any_due)
    async with watched(database, worker), asyncio.timeout(HANGING_SECONDS):
        for _ in range(2):  # the worker's first claim, without a wake-up, may find the first
            await add(conn, "mer_test", due_in=due_in)
            assert await done.get() == Thing("mer_test", "b0")
            await conn.execute("DELETE FROM things")


@pytest.mark.usefixtures("_looks_often")
async def test_a_queue_without_due_rows_is_not_claimed_again(database, conn):
    await add(conn, "mer_a", due_in=timedelta(days=2))
    claims, enough = Counter(), asyncio.Event()

    async def count(name, _, room):
        claims[name] += 1
        if claims["any"] == 5:
            enough.set()
        return []

    quiet, other = (
        DueWorker(name, database, partial(count, name), claim, any_due=any_due)
        for name, any_due in [("quiet", CLAIM.any_due), ("any", None)]
    )
    async with watched(database, quiet, other), asyncio.timeout(HANGING_SECONDS):
        await enough.wait()
    assert claims["quiet"] == 1


@pytest.mark.usefixtures("_looks_often")
async def test_the_lookout_survives_a_failed_look(database, conn, monkeypatch):
    done, failed = asyncio.Queue(), asyncio.Event()
    worker = DueWorker("things", database, claim, done.put, any_due=CLAIM.any_due)
    monkeypatch.setattr(due.log, "warning", lambda *_, **__: failed.set())
    await conn.raw.execute("ALTER TABLE things RENAME TO moved")
    async with watched(database, worker), asyncio.timeout(HANGING_SECONDS):
        await failed.wait()
        await conn.raw.execute("ALTER TABLE moved RENAME TO things")
        await add(conn, "mer_a")
        await done.get()


def test_a_claim_at_a_time_given_by_its_caller_has_no_any_due_query():
    assert Queue("things", now="$4::timestamptz").claim(TAKE).any_due is None
