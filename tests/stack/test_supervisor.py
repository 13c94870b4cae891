"""The supervisor with small test processes: order, restarts, failures, no leftovers."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stack.child import FIRST_PAUSE_SECONDS, StartFailedError
from stack.process import accepts_connections, free_ports
from stack.supervisor import Supervisor
from stack.topology import Process, Tier
from tests.waiting import is_running, until

LISTEN = """
import os, socket, sys, time
print("listening", os.environ.get("EXTRA", ""), flush=True)  # who can reach it has read this
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    server.accept()[0].close()
"""
STUBBORN = (
    """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""
    + LISTEN
)


def listener(name: str, *, code: str = LISTEN, **more) -> Process:
    port = free_ports(1)[0]
    return Process(
        name,
        (sys.executable, "-c", code),
        {"PORT": str(port)},
        ready=lambda: accepts_connections(port),
        **more,
    )


def job(name: str, code: str, **more) -> Process:
    return Process(name, (sys.executable, "-c", code), {}, ready=None, **more)


@asynccontextmanager
async def supervised(folder: Path, *processes: Process) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(
        processes, cwd=folder, run=folder / "run", log=folder / "log", report=reports.append
    )
    reports.clear()
    await supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


reports: list[str] = []


async def test_a_process_starts_after_the_job_it_needs(tmp_path: Path):
    migrate = job("migrate", "import time; time.sleep(0.3); open('migrated', 'w').close()")
    check = "assert __import__('os').path.exists('migrated')" + LISTEN
    service = listener("service", code=check, after=frozenset({"migrate"}))
    async with supervised(tmp_path, service, migrate) as supervisor:
        assert supervisor["service"].is_running
        assert (tmp_path / "run" / "service.pid").read_text() == f"{supervisor['service'].pid}\n"
    assert not list((tmp_path / "run").iterdir())


async def test_a_killed_process_is_started_again_and_reported(tmp_path: Path):
    async with supervised(tmp_path, listener("service")) as supervisor:
        before = supervisor["service"].pid
        supervisor["service"].kill(signal.SIGKILL)
        await until(lambda: supervisor["service"].starts == 2)
        await supervisor["service"].wait_ready()
        assert supervisor["service"].pid != before
    assert reports == ["service ended (killed by SIGKILL): starting it again"]


@pytest.mark.parametrize(
    ("by_itself", "doubled"), [(False, 1), (True, 2)], ids=["killed by us", "by itself"]
)
async def test_only_a_process_that_ends_by_itself_is_restarted_with_growing_pauses(
    tmp_path: Path, by_itself, doubled
):
    async with supervised(tmp_path, listener("service")) as supervisor:
        service = supervisor["service"]
        for starts in (2, 3):
            if by_itself:
                os.kill(service.pid, signal.SIGKILL)
            else:
                service.kill(signal.SIGKILL)
            await until(lambda starts=starts: service.starts == starts)
        assert service.pause_seconds == FIRST_PAUSE_SECONDS * 2**doubled


async def test_a_requested_restart_is_not_reported_and_can_change_the_environment(tmp_path: Path):
    async with supervised(tmp_path, listener("service")) as supervisor:
        await supervisor.restart("service", signal.SIGTERM, {"EXTRA": "again"})
        log = (tmp_path / "log" / "service.log").read_text()
    assert reports == []
    assert log.split() == ["listening", "listening", "again"]


async def test_a_stopped_process_stays_down_until_it_is_started(tmp_path: Path):
    async with supervised(tmp_path, listener("service"), listener("other")) as supervisor:
        await supervisor["service"].stop()
        supervisor["other"].kill(signal.SIGKILL)
        await until(lambda: supervisor["other"].starts == 2)  # by now it would be back too
        assert not supervisor["service"].is_running
        await supervisor["service"].start()
        assert supervisor["service"].is_running


async def test_a_failing_start_shows_the_log_and_ends_the_others(tmp_path: Path):
    bad = listener("bad", code="raise SystemExit('no database')", after=frozenset({"good"}))
    good = listener("good")
    supervisor = Supervisor(
        [good, bad], cwd=tmp_path, run=tmp_path / "run", log=tmp_path / "log", report=reports.append
    )
    with pytest.raises(StartFailedError, match=r"bad: exit code 1[\s\S]*no database"):
        await supervisor.start()
    assert not supervisor["good"].is_running


async def test_a_process_that_does_not_become_ready_fails_the_start(tmp_path: Path):
    deaf = Process(
        "deaf",
        (sys.executable, "-c", "import time; time.sleep(60)"),
        {},
        ready=lambda: False,
        start_timeout_seconds=0.5,
    )
    supervisor = Supervisor(
        [deaf], cwd=tmp_path, run=tmp_path / "run", log=tmp_path / "log", report=reports.append
    )
    with pytest.raises(StartFailedError, match="deaf is not ready"):
        await supervisor.start()
    assert not supervisor["deaf"].is_running


async def test_every_process_is_stopped_and_one_that_ignores_sigterm_is_killed(tmp_path: Path):
    edge = listener("edge", code=STUBBORN, tier=Tier.EDGE, stop_timeout_seconds=0.5)
    backend = listener("backend", tier=Tier.BACKEND)
    async with supervised(tmp_path, backend, edge) as supervisor:
        pids = [child.pid for child in supervisor.children.values()]
    assert not any(is_running(pid) for pid in pids)
    assert reports == ["edge does not stop: killing it"]


SUPERVISE = """
import asyncio, sys, time
from pathlib import Path
from stack.supervisor import Supervisor
from stack.topology import Process

async def main(folder, *arguments):
    sleeper = Process("sleeper", (sys.executable, *arguments), {}, ready=lambda: True)
    supervisor = Supervisor([sleeper], cwd=folder, run=folder, log=folder, report=print)
    await supervisor.start()
    print(supervisor["sleeper"].pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


@pytest.mark.parametrize(
    "arguments",
    [("-c", "import time; time.sleep(60)"), ("-m", "http.server", "--bind=127.0.0.1", "0")],
    ids=["started", "forked"],
)
async def test_children_end_when_the_supervisor_is_killed(tmp_path: Path, arguments):
    supervisor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISE, str(tmp_path), *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    assert supervisor.stdout is not None
    pid = int(await supervisor.stdout.readline())
    assert is_running(pid)
    supervisor.kill()
    await supervisor.wait()
    await until(lambda: not is_running(pid))
