"""The embedded PostgreSQL: separate databases, durable data, no leftovers."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from stack.postgres import Postgres, running
from stack.process import free_ports
from tests.kit.connections import connected
from tests.waiting import HANGING_SECONDS, is_running

STARTER = """
import time
from stack.postgres import throw_away_postgres

with throw_away_postgres() as server:
    print((server.data / "postmaster.pid").read_text().split()[0], server.data, flush=True)
    time.sleep(60)
"""


async def test_new_databases_are_empty_and_separate(new_database):
    first, second = new_database(), new_database()
    async with connected(first) as connection:
        await connection.execute("CREATE TABLE coin (id int)")
    async with connected(second) as connection:
        found = await connection.fetchval("SELECT to_regclass('coin')")
    assert first != second
    assert found is None


async def test_a_migrated_database_has_the_chassis_tables(new_database):
    async with connected(new_database("libs")) as connection:
        found = await connection.fetchval("SELECT to_regclass('outbox')::text")
    assert found == "outbox"


def test_durable_data_survive_a_restart(tmp_path: Path):
    server = Postgres(tmp_path / "data", free_ports(1)[0])
    server.initialise()
    log = (tmp_path / "log").open("wb")
    with log, running(server, log.fileno()):
        server.ensure_databases(["payments"])
        server.psql(
            "CREATE TABLE coin (id int)", "INSERT INTO coin VALUES (7)", database="payments"
        )
    server.initialise()
    log = (tmp_path / "log").open("wb")
    with log, running(server, log.fileno()):
        server.ensure_databases(["payments", "oneclick"])
        assert server.psql("SELECT id FROM coin", database="payments") == "7\n"
        assert server.psql("SHOW fsync") == "on\n"


def test_the_server_ends_when_its_starter_is_killed():
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, data = starter.stdout.readline().split()
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + HANGING_SECONDS
    while is_running(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(pid))
    subprocess.run(["rm", "-rf", str(Path(data).parent)], check=True)
