"""A forked program behaves as if started by itself: environment, arguments, output, exit, signals."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from stack.fork_server import PYTHON, ForkServer, can_fork
from tests.waiting import is_running, until

pytestmark = pytest.mark.skipif(not can_fork(PYTHON), reason="Linux only")

SHOW = """
import json, os, sys
print(json.dumps({
    "name": __name__,
    "arguments": sys.argv[1:],
    "environment": dict(os.environ),
    "cwd": os.getcwd(),
    "session": os.getsid(0) - os.getpid(),
    "stdin": sys.stdin.read(),
}))
print("and what is wrong", file=sys.stderr)
"""
INSIDE = """
import json, os, sys
of_services = [name for name in sys.modules if name.partition(".")[0] == "services"]
shared = all(name in sys.modules for name in ("grpc", "libs.process"))
print(json.dumps([of_services, shared, len(os.listdir("/proc/self/task"))]))
"""
FILES = "import os; print(*sorted(os.listdir('/proc/self/fd'), key=int)[:-1])"
WAIT = "import time; print('waiting', flush=True); time.sleep(60)"

LAST_THREAD = """
import threading
threading.Thread(target=lambda: (threading.main_thread().join(), print("last thread"))).start()
"""


class Programs:
    def __init__(self, server: ForkServer, folder: Path) -> None:
        self._server = server
        self._folder = folder

    async def start(self, name: str, code: str, *arguments: str, **env: str):
        (self._folder / f"{name}.py").write_text(code)
        return await self._server.spawn(
            (*PYTHON, name, *arguments),
            cwd=self._folder,
            env=env,
            log=self._folder / f"{name}.log",
            death_signal=signal.SIGTERM,
        )

    async def waiting(self, name: str):
        program = await self.start(name, WAIT)
        await until(lambda: "waiting" in self.output(name))
        return program

    def output(self, name: str) -> str:
        log = self._folder / f"{name}.log"
        return log.read_text() if log.exists() else ""


@pytest.fixture
async def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Programs of a server that finds them in the test's folder and has imported next to nothing."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    server = ForkServer(tmp_path / "server.log", libraries=("json",))
    yield Programs(server, tmp_path)
    await server.stop()


async def test_a_program_has_its_own_arguments_environment_and_output(programs, tmp_path: Path):
    (tmp_path / "show.log").write_text("before\n")
    program = await programs.start("show", SHOW, "--port=1", "serve", NAME="é")
    assert await program.wait() == 0
    before, shown, wrong = programs.output("show").splitlines()
    assert (before, wrong) == ("before", "and what is wrong")
    assert json.loads(shown) == {
        "name": "__main__",
        "arguments": ["--port=1", "serve"],
        "environment": {"NAME": "é"},
        "cwd": str(tmp_path),
        "session": 0,  # it leads its session
        "stdin": "",
    }


async def test_a_program_inherits_no_open_file_of_the_server_or_another_program(programs):
    other = await programs.waiting("other")
    program = await programs.start("files", FILES)
    assert await program.wait() == 0
    held = 1  # the pipe that closes when it ends
    assert len(programs.output("files").split()) == 3 + held
    other.kill()
    assert await other.wait() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("code", "ends_with", "text"),
    [
        ("raise SystemExit(78)", 78, ""),
        ("raise SystemExit('no database')", 1, "no database"),
        ("{}['key']", 1, "KeyError: 'key'"),
        ("import atexit; atexit.register(print, 'last words')", 0, "last words"),
        (LAST_THREAD, 0, "last thread"),
        ("import os; os.abort()", -signal.SIGABRT, ""),
    ],
)
async def test_a_forked_program_ends_like_a_normal_process(programs, code, ends_with, text):
    program = await programs.start("program", code)
    assert await program.wait() == program.returncode == ends_with
    assert text in programs.output("program")
    program.send_signal(signal.SIGTERM)  # has no effect


async def test_signals_reach_one_program_only(programs):
    first, second = await programs.waiting("first"), await programs.waiting("second")
    first.send_signal(signal.SIGTERM)
    assert await first.wait() == -signal.SIGTERM
    assert second.returncode is None
    second.kill()
    assert await second.wait() == -signal.SIGKILL


async def test_programs_end_with_the_server_and_the_next_start_gets_a_new_one(programs):
    program = await programs.waiting("program")
    psutil.Process(program.pid).parent().kill()
    assert await program.wait() == -signal.SIGTERM
    await until(lambda: not is_running(program.pid))
    again = await programs.start("again", "print('again')")
    assert await again.wait() == 0


async def test_a_server_that_cannot_start_names_its_log(tmp_path: Path):
    server = ForkServer(tmp_path / "server.log", libraries=("no_such_library",))
    with pytest.raises(RuntimeError, match=r"fork server ended: see .*server\.log"):
        await server.spawn(
            (*PYTHON, "this"),
            cwd=tmp_path,
            env={},
            log=tmp_path / "log",
            death_signal=signal.SIGTERM,
        )
    assert "no_such_library" in (tmp_path / "server.log").read_text()


async def test_the_server_preloads_libraries_but_no_service_and_no_extra_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A fork has only the thread that forked; a lock held by any other one would stay locked for ever."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    server = ForkServer(tmp_path / "server.log")
    programs = Programs(server, tmp_path)
    program = await programs.start("inside", INSIDE)
    assert await program.wait() == 0
    assert json.loads(programs.output("inside")) == [[], True, 1]
    waiting = await programs.waiting("waiting")
    assert psutil.Process(waiting.pid).parent().num_threads() == 1
    waiting.kill()
    await server.stop()
