"""Old rows are deleted in small batches; young and locked ones stay."""

from datetime import timedelta

import pytest

from libs import ids, retention
from libs.retention import Rule

DAY = timedelta(days=1)


@pytest.fixture
async def conn(database):
    async with database.connection() as found:
        yield found


async def keep_to(database, **options):
    return await retention.keep_to(database, retention.chassis("payments").rules, **options)


async def answer(conn, key, *, ago):
    await conn.execute(
        "INSERT INTO idempotency_keys (merchant_id, method, key, request_hash, resource_id,"
        " locked_until, created_at) VALUES ('mer_a', 'x', $1, '', '', now(), now() - $2::interval)",
        key,
        ago,
    )


async def handled(conn, *, happened, handled, consumer="payments"):
    event_id = ids.earliest("evt", ago=happened)
    await conn.execute(
        "INSERT INTO inbox VALUES ($1, $2, now() - $3::interval)", consumer, event_id, handled
    )


async def test_idempotency_keys_older_than_thirty_days_are_deleted(database, conn):
    await answer(conn, "old", ago=31 * DAY)
    await answer(conn, "young", ago=29 * DAY)
    assert await keep_to(database) == 1
    assert await conn.fetchval("SELECT key FROM idempotency_keys") == "young"


async def test_inbox_rows_are_deleted_ninety_days_after_handling(database, conn):
    await handled(conn, happened=91 * DAY, handled=91 * DAY)
    await handled(conn, happened=89 * DAY, handled=89 * DAY)
    await handled(conn, happened=400 * DAY, handled=DAY)  # a replay
    assert await keep_to(database) == 1
    assert await conn.fetchval("SELECT count(*) FROM inbox") == 2


async def test_batches_continue_until_no_old_row_is_left(database, conn):
    for number in range(7):
        await answer(conn, f"k{number}", ago=31 * DAY)
    assert await keep_to(database, batch=3) == 7
    assert await keep_to(database, batch=3) == 0


async def test_a_locked_row_is_left_for_the_next_run(database, conn):
    await answer(conn, "held", ago=31 * DAY)
    await answer(conn, "free", ago=31 * DAY)
    async with database.transaction() as other:
        await other.execute("SELECT FROM idempotency_keys WHERE key = 'held' FOR UPDATE")
        assert await keep_to(database) == 1
    assert await keep_to(database) == 1


async def test_a_rule_may_clear_columns_and_leave_the_row(database, conn):
    await answer(conn, "old", ago=2 * DAY)
    rule = Rule(
        "idempotency_keys", "created_at", DAY, "a test",
        where="resource_id <> 'gone'", clear={"resource_id": "'gone'"},
    )  # fmt: skip
    assert await retention.keep_to(database, [rule]) == 1
    assert await conn.fetchval("SELECT resource_id FROM idempotency_keys") == "gone"
    assert await retention.keep_to(database, [rule]) == 0
