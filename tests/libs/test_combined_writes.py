"""Several writes in one statement: all are made, or none if their guard finds no row."""

import pytest

from libs import combined_writes
from libs.combined_writes import Write

INSERT = "INSERT INTO inbox (consumer, event_id) SELECT $1, $2 WHERE {when} RETURNING event_id"
CLOCK = (
    "INSERT INTO test_clocks (merchant_id, clock_offset)"
    " SELECT $1, make_interval(secs => $2) WHERE {when}"
)
GUARD = "SELECT FROM test_clocks WHERE merchant_id = $1 FOR UPDATE"


@pytest.fixture
async def conn(database):
    async with database.connection() as found:
        yield found


async def count(conn, table):
    return await conn.fetchval(f"SELECT count(*) FROM {table}")


async def test_each_write_has_its_own_parameters_and_answer(conn):
    events = [Write(INSERT, (f"reader {n}", f"evt_{n}"), "max(event_id)") for n in range(7)]
    clock = Write(CLOCK, ("mer_a", 60))
    assert await combined_writes.execute(conn, *events, clock) == [
        *(f"evt_{n}" for n in range(7)),
        None,
    ]
    assert await count(conn, "inbox") == 7
    assert await conn.fetchval("SELECT extract(epoch FROM clock_offset) FROM test_clocks") == 60


async def test_nothing_is_written_if_the_guard_finds_no_row(conn):
    guard = Write(GUARD, ("mer_a",))
    both = [Write(INSERT, ("reader", "evt_1"), "max(event_id)"), Write(INSERT, ("other", "evt_1"))]
    assert await combined_writes.execute(conn, *both, guard=guard) is None
    assert await count(conn, "inbox") == 0
    await combined_writes.execute(conn, Write(CLOCK, ("mer_a", 60)))
    assert await combined_writes.execute(conn, *both, guard=guard) == ["evt_1", None]
    assert await count(conn, "inbox") == 2


async def test_a_write_that_ignores_the_guard_is_rejected(conn):
    careless = Write(INSERT.replace(" WHERE {when}", ""), ("reader", "evt_1"))
    with pytest.raises(AssertionError):
        await combined_writes.execute(conn, careless, guard=Write(GUARD, ("mer_a",)))
    assert await count(conn, "inbox") == 0
