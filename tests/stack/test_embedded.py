"""The stack's backends together: started at once, durable, restarted after a kill."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest

from libs import services
from stack.embedded import REPOSITORY, localstripe_process, prepare_folders
from stack.memory import data_in_memory
from stack.nats import Nats
from stack.ports import plan_ports
from stack.postgres import Postgres
from stack.process import free_ports
from stack.servers import Servers
from stack.supervisor import Supervisor
from tests.kit.connections import connected
from tests.waiting import HANGING_SECONDS


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with data_in_memory(tmp_path_factory.mktemp("backends")) as folder:
        yield folder


@pytest.fixture(scope="module")
async def backends(root: Path):
    folders = prepare_folders(root)
    ports = plan_ports(free_ports, {})
    postgres = Postgres(
        folders.data("postgres"), ports.postgres, durable=False, secrets=folders.secrets
    )
    bus = Nats(folders.data("nats"), ports.nats)
    supervisor = Supervisor(
        [*Servers(postgres, (bus,)).processes(), localstripe_process(ports, folders)],
        cwd=REPOSITORY,
        run=folders.run,
        log=folders.log,
        report=lambda what: None,
    )
    await supervisor.start()
    yield supervisor, postgres, bus
    await supervisor.stop()


async def test_each_service_has_a_database_when_postgres_is_ready(backends):
    _, postgres, _ = backends
    databases = postgres.psql("SELECT datname FROM pg_database").split()
    assert set(services.NAMES) <= set(databases)


async def test_committed_rows_survive_a_killed_postgres(backends):
    supervisor, postgres, _ = backends
    async with connected(postgres.url("payments")) as connection:
        await connection.execute("CREATE TABLE coin (id int); INSERT INTO coin VALUES (7)")
    await supervisor.restart("postgres", signal.SIGKILL)
    async with connected(postgres.url("payments")) as connection:
        assert await connection.fetchval("SELECT id FROM coin") == 7


async def test_published_messages_survive_a_killed_nats(backends):
    supervisor, _, bus = backends
    connection = await nats.connect(bus.url)
    await connection.jetstream().add_stream(name="COINS", subjects=["coins.>"])
    await connection.jetstream().publish("coins.minted", b"7")
    await connection.close()
    await supervisor.restart("nats", signal.SIGKILL)
    connection = await nats.connect(bus.url)
    info = await connection.jetstream().stream_info("COINS")
    await connection.close()
    assert info.state.messages == 1


async def test_a_killed_backend_is_restarted(backends):
    supervisor, postgres, _ = backends
    before, starts = supervisor["postgres"].pid, supervisor["postgres"].starts
    supervisor["postgres"].kill(signal.SIGKILL)
    async with asyncio.timeout(HANGING_SECONDS):
        while supervisor["postgres"].starts == starts:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        await supervisor["postgres"].wait_ready()
    assert supervisor["postgres"].pid != before
    assert postgres.psql("SELECT 1") == "1\n"
