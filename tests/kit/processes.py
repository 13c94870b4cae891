"""Real processes of a service that a test may signal and kill, forked like those of a stack.

`forked=False`, and a test in which merchants refuses to start, cover a start with `python -m`.
"""

import asyncio
import itertools
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.fork_server import PYTHON, Forked, ForkServer, can_fork
from stack.process import accepts_connections
from tests.waiting import HANGING_SECONDS, until

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Process:
    started: Forked | asyncio.subprocess.Process
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        if self.started.returncode is None:
            self.started.send_signal(number)

    async def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Signals the process and returns its exit code."""
        self.send(by)
        return await self.wait()

    async def wait(self) -> int:
        async with asyncio.timeout(HANGING_SECONDS):
            return await self.started.wait()


class Processes:
    """Processes of one service. `environment` applies to the next process and may be changed."""

    def __init__(
        self, forks: ForkServer, service: str, environment: dict[str, str], folder: Path
    ) -> None:
        self.environment = environment
        self._forks = forks
        self._service = service
        self._folder = folder
        self._numbers = itertools.count(1)
        self._started: list[Process] = []

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.environment['INCASSO_GRPC_PORT']}"

    async def start(self, *, forked: bool = True) -> Process:
        """Starts a process and waits until it listens: on its health port, if it has one."""
        log = self._folder / f"{self._service}-{next(self._numbers)}.log"
        process = Process(await self._spawn(log, forked=forked), log)
        self._started.append(process)
        names = ("INCASSO_ADMIN_PORT", "INCASSO_HTTP_PORT")
        port = next(int(self.environment[name]) for name in names if name in self.environment)
        await until(lambda: accepts_connections(port) or process.started.returncode is not None)
        assert process.started.returncode is None, process.output
        return process

    async def refused(self) -> tuple[int, str]:
        """The exit code and output of a process that refuses to start."""
        log = self._folder / f"{self._service}-{next(self._numbers)}.log"
        process = Process(await self._spawn(log, forked=True), log)
        self._started.append(process)
        return await process.wait(), process.output

    async def kill_all(self) -> None:
        for process in self._started:
            await process.end(signal.SIGKILL)

    async def _spawn(self, log: Path, *, forked: bool) -> Forked | asyncio.subprocess.Process:
        command = (*PYTHON, f"services.{self._service}")
        if forked and can_fork(command):
            return await self._forks.spawn(
                command, cwd=ROOT, env=self.environment, log=log, death_signal=signal.SIGKILL
            )
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=self.environment, stdout=output, stderr=output
            )
