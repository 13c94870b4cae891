"""Waiting at startup for dependencies that are not ready yet."""

import asyncio

import pytest
from structlog.testing import capture_logs

from libs import startup
from libs.schema import SchemaBehindError

LONG = 3600.0


class Database:
    """Fails with these errors, one per try, and then is ready."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.tries = 0

    async def prepare(self) -> str:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        return "there"


async def waited(database: Database, seconds: float, stopping: asyncio.Event | None = None) -> str:
    return await startup.wait_for(
        database.prepare,
        name="cod",
        seconds=seconds,
        stopping=stopping or asyncio.Event(),
        pause=0,
    )


async def test_startup_waits_for_database_and_migrations_and_logs_each_once():
    away, behind = ConnectionRefusedError("refused"), SchemaBehindError("it lacks 0001_pre_a.sql")
    with capture_logs() as logged:
        assert await waited(Database(away, away, behind, behind), LONG) == "there"
    assert [one["error"] for one in logged] == ["refused", "it lacks 0001_pre_a.sql"]


async def test_without_time_to_wait_the_first_failure_is_final():
    database = Database(ConnectionRefusedError(), ConnectionRefusedError())
    with pytest.raises(ConnectionRefusedError):
        await waited(database, 0)
    assert database.tries == 1


async def test_a_stopping_process_does_not_wait():
    stopping = asyncio.Event()
    stopping.set()
    with pytest.raises(SchemaBehindError):
        await waited(Database(SchemaBehindError("behind")), LONG, stopping)


async def test_a_programming_error_ends_startup_at_once():
    with pytest.raises(ZeroDivisionError):
        await waited(Database(ZeroDivisionError()), LONG)
