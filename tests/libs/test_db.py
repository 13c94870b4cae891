from contextlib import suppress

import pytest

from libs import db


async def test_a_snapshot_does_not_see_later_commits(new_database):
    database = await db.connect(new_database(), pool_size=2, service="libs")
    count = "SELECT count(*) FROM words"
    async with database.connection() as other:
        await other.execute("CREATE TABLE words (word text)")
        async with database.snapshot() as seen:
            assert await seen.fetchval(count) == 0
            await other.execute("INSERT INTO words VALUES ('now')")
            assert await seen.fetchval(count) == 0
        assert await other.fetchval(count) == 1
    await database.close()


async def test_a_snapshot_is_read_only(new_database):
    database = await db.connect(new_database(), pool_size=1, service="libs")
    with pytest.raises(Exception, match="read-only"):
        async with database.snapshot() as seen:
            await seen.execute("CREATE TABLE words (word text)")
    await database.close()


async def test_after_commit_callbacks_run_only_after_a_commit(new_database):
    database = await db.connect(new_database(), pool_size=1, service="libs")
    seen = []
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE words (word text)")
        tx.after_commit(lambda: seen.append("it is committed"))
        assert seen == []
    assert seen == ["it is committed"]
    with suppress(ZeroDivisionError):
        async with database.transaction() as tx:
            tx.after_commit(lambda: seen.append("it was rolled back"))
            raise ZeroDivisionError
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO words VALUES ('the same connection')")
    assert seen == ["it is committed"]
    await database.close()
