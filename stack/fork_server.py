"""Starts Python programs instantly by forking a process that has imported their libraries.

Most of a service's imports are libraries and the chassis: over a second of CPU time per process. A
stack imports them once, but no service's code: each process imports that in its own environment,
exits, and reacts to signals and kills as if started with `python -m`. Linux only; elsewhere programs
are started one by one.
"""

import asyncio
import atexit
import contextlib
import ctypes
import gc
import importlib
import itertools
import json
import os
import runpy
import selectors
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stack.process import SETPRIV, tied_to_parent

# A library missing here is imported by each process itself.
LIBRARIES: Final = (
    "aiohttp.web",
    "aiosmtplib",
    "asyncpg",
    "babel.dates",
    "cryptography.fernet",
    "cryptography.x509",
    "google.api.annotations_pb2",
    "google.protobuf.timestamp_pb2",
    "google.rpc.status_pb2",
    "grpc.aio",
    "grpc_health.v1.health",
    "grpc_reflection.v1alpha.reflection",
    "jinja2",
    "jwt",
    "nats.aio.client",
    "openpyxl",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.trace.propagation.tracecontext",
    "phonenumbers",
    "prometheus_client",
    "purgatory",
    "pydantic_settings",
    "stdnum.iban",
    "stripe",
    "structlog",
    "uuid_utils",
    "uvloop",
    "libs.process",  # the chassis; importing it reads no environment
)
REPOSITORY: Final = Path(__file__).resolve().parent.parent
PYTHON: Final = (sys.executable, "-m")
PR_SET_PDEATHSIG: Final = 1  # prctl(2)
Order = dict[str, Any]


def can_fork(command: Sequence[str]) -> bool:
    return SETPRIV is not None and tuple(command[: len(PYTHON)]) == PYTHON


@dataclass
class Forked:
    """The parts of `asyncio.subprocess.Process` that Child needs, for a process that the server forked."""

    pid: int
    returncode: int | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # ended, but not reported yet
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self, code: int) -> None:
        self.returncode = code
        self._ended.set()


class ForkServer:
    """The supervisor's end. Starts the server with the first program, and again if it has ended."""

    def __init__(self, log: Path, libraries: Sequence[str] = LIBRARIES) -> None:
        self._log = log
        self._libraries = libraries
        self._starting = asyncio.Lock()
        self._numbers = itertools.count()
        self._ordered: dict[int, asyncio.Future[Forked]] = {}
        self._server: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def spawn(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        log: Path,
        death_signal: signal.Signals,
    ) -> Forked:
        """Runs `python -m module …`, appending output to `log`; our death sends it `death_signal`."""
        number = next(self._numbers)
        order: Order = {
            "number": number,
            "arguments": command[len(PYTHON) :],
            "cwd": str(cwd),
            "env": dict(env),
            "log": str(log),
            "death_signal": death_signal,
        }
        async with self._starting:
            if self._server is None or self._server.returncode is not None:
                self._server = await self._start()
        born: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        self._ordered[number] = born
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
        return await born

    async def stop(self) -> None:
        """Kills the server, so that everything still running gets its death signal."""
        if self._server is not None and self._server.returncode is None:
            self._server.kill()
        if self._listening is not None:
            await self._listening

    async def _start(self) -> asyncio.subprocess.Process:
        with self._log.open("ab") as log:
            server = await asyncio.create_subprocess_exec(
                *tied_to_parent(
                    [sys.executable, "-u", "-m", "stack.fork_server", *self._libraries]
                ),
                cwd=REPOSITORY,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._listening = asyncio.create_task(self._listen(server))
        return server

    async def _listen(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdout is not None
        running: dict[int, Forked] = {}
        while line := await server.stdout.readline():
            number, pid, code = json.loads(line)
            if code is not None:
                running.pop(number).end(code)
                continue
            running[number] = Forked(pid)
            if not (born := self._ordered.pop(number)).done():
                born.set_result(running[number])
        await server.wait()
        for forked in running.values():
            forked.end(-signal.SIGTERM)
        for born in self._ordered.values():
            if not born.done():
                born.set_exception(RuntimeError(f"the fork server ended: see {self._log}"))
        self._ordered.clear()


def serve(answers: int) -> Order | None:
    """Returns in each child, with the program to run; in the server, once stdin is closed.

    Each child keeps one end of a pipe open, so its closing means that the child has ended.
    """
    orders = sys.stdin.fileno()
    selector = selectors.DefaultSelector()
    selector.register(orders, selectors.EVENT_READ)
    running: dict[int, tuple[int, int]] = {}  # by our end of the pipe: the order's number, the pid
    received = b""
    while True:
        for key, _ in selector.select():
            if key.fd in running:
                number, pid = running.pop(key.fd)
                selector.unregister(key.fd)
                os.close(key.fd)
                report(answers, number, pid, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                continue
            if not (more := os.read(orders, 65_536)):
                return None
            *lines, received = (received + more).split(b"\n")
            for line in lines:
                order: Order = json.loads(line)
                alive, held = os.pipe()
                if (pid := os.fork()) == 0:
                    for ours in (answers, selector.fileno(), alive, *running):
                        os.close(ours)
                    return order
                os.close(held)
                running[alive] = order["number"], pid
                selector.register(alive, selectors.EVENT_READ)
                report(answers, order["number"], pid, None)


def report(answers: int, number: int, pid: int, code: int | None) -> None:
    os.write(answers, json.dumps([number, pid, code]).encode() + b"\n")


def become(order: Order, server: int, exit_codes: list[int]) -> None:
    """Turns this process into the requested program."""
    os.setsid()  # the supervisor handles Ctrl-C in a terminal
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, order["death_signal"])
    if os.getppid() != server:
        return  # it died before we were tied to it
    os.chdir(order["cwd"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for file, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(file, standard)
    os.close(nothing)
    os.close(output)
    os.environ.clear()
    os.environ.update(order["env"])
    module, *arguments = order["arguments"]
    sys.argv[1:] = arguments
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int):
            exit_codes.append(end.code)
        raise
    exit_codes.append(0)


def leave(exit_codes: list[int]) -> None:
    """Exits at once, the last thing a program does: skipping the destruction of all imported modules
    saves 0.15 s. A program that failed exits through the interpreter.
    """
    if exit_codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_codes[0])


def main() -> None:
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    exit_codes: list[int] = []
    atexit.register(leave, exit_codes)  # registered first, so that it is called last
    gc.disable()
    for library in sys.argv[1:]:
        importlib.import_module(library)
    gc.freeze()  # keeps the children's collectors off shared objects, so their pages are not copied
    gc.enable()
    server = os.getpid()
    if order := serve(answers):
        become(order, server, exit_codes)


if __name__ == "__main__":
    main()
