"""The life of a supervised process: spawn, become ready, end, restart."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from stack.fork_server import Forked, ForkServer, can_fork
from stack.process import tied_to_parent
from stack.topology import Process

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0
# A process that has run this long has recovered: its back-off starts over.
HEALTHY_SECONDS = 30.0
PROBE_EVERY_SECONDS = 0.05
LOG_TAIL_LINES = 25

Report = Callable[[str], None]


class StartFailedError(Exception):
    """A process did not become ready; the message ends with its last log lines."""


def how_it_ended(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Child:
    def __init__(
        self, spec: Process, forks: ForkServer, *, cwd: Path, run: Path, log: Path, report: Report
    ) -> None:
        self.spec = spec
        self.env: dict[str, str] = dict(spec.env)
        self.starts = 0
        self.first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.log_file = log / f"{spec.name}.log"
        self.pid_file = run / f"{spec.name}.pid"
        self._forks = forks
        self._cwd = cwd
        self._report = report
        self._process: asyncio.subprocess.Process | Forked | None = None
        self._probe: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._ready = asyncio.Event()
        self._ending = False
        self._killed = False
        self.pause_seconds = FIRST_PAUSE_SECONDS  # before the next restart

    @property
    def pid(self) -> int:
        if self._process is None or self._process.returncode is not None:
            raise ProcessLookupError(f"{self.spec.name} is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def run(self) -> None:
        """Keeps the process alive until the task is cancelled; a job until it is done."""
        if self.spec.prepare is not None:
            await asyncio.to_thread(self.spec.prepare)
        while True:
            await self._wanted.wait()
            began = time.monotonic()
            code = await self._live_once()
            if self.spec.ready is None and code == 0:
                self._declare_ready()
                return
            if self._ending:
                self._ending = False
                continue
            if not self.first_ready.done():
                raise StartFailedError(self._explain(how_it_ended(code)))
            if self._killed or time.monotonic() - began > HEALTHY_SECONDS:
                self.pause_seconds, self._killed = FIRST_PAUSE_SECONDS, False
            self._report(f"{self.spec.name} ended ({how_it_ended(code)}): starting it again")
            await asyncio.sleep(self.pause_seconds)
            self.pause_seconds = min(self.pause_seconds * 2, LONGEST_PAUSE_SECONDS)

    async def wait_ready(self, timeout_seconds: float | None = None) -> None:
        try:
            async with asyncio.timeout(timeout_seconds or self.spec.start_timeout_seconds):
                await self._ready.wait()
        except TimeoutError:
            raise StartFailedError(self._explain("not ready in time")) from None

    async def restart(
        self, sig: signal.Signals, env: Mapping[str, str] | None, *, wait: bool = True
    ) -> None:
        """Ends it with the signal and restarts it, with additional environment if given."""
        self.env.update(env or {})
        await self._end(sig)
        if wait:
            await self.wait_ready()

    async def stop(self, sig: signal.Signals | None = None) -> None:
        """Ends it; it stays down until `start`."""
        self._wanted.clear()
        await self._end(sig or self.spec.stop_signal)

    async def start(self) -> None:
        self._wanted.set()
        await self.wait_ready()

    def kill(self, sig: signal.Signals) -> None:
        """Kills it from outside; the supervisor notices and reports it.

        Unlike a process that ends by itself, it is restarted without growing back-off.
        """
        os.kill(self.pid, sig)
        self._killed = True

    async def _live_once(self) -> int:
        process = self._process = await self._spawn()
        self.starts += 1
        self.pid_file.write_text(f"{process.pid}\n")
        self._probe = asyncio.create_task(self._become_ready())
        try:
            return await process.wait()
        finally:
            self._ready.clear()
            self._probe.cancel()
            if process.returncode is None:  # our task is being cancelled
                process.kill()
                await process.wait()
            self.pid_file.unlink(missing_ok=True)

    async def _spawn(self) -> asyncio.subprocess.Process | Forked:
        spec, env = self.spec, {**os.environ, **self.env}
        if can_fork(spec.command):
            return await self._forks.spawn(
                spec.command,
                cwd=self._cwd,
                env=env,
                log=self.log_file,
                death_signal=spec.stop_signal,
            )
        with self.log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *tied_to_parent(spec.command, spec.stop_signal),
                cwd=self._cwd,
                env=env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the supervisor handles Ctrl-C in a terminal
            )

    async def _become_ready(self) -> None:
        if self.spec.ready is None:
            return  # a job is ready when it is done
        while not await asyncio.to_thread(self.spec.ready):  # noqa: ASYNC110 - another process
            await asyncio.sleep(PROBE_EVERY_SECONDS)
        self._declare_ready()

    def _declare_ready(self) -> None:
        self._ready.set()
        if not self.first_ready.done():
            self.first_ready.set_result(None)

    async def _end(self, sig: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._ending = True
        self._ready.clear()
        if self._probe is not None:
            self._probe.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sig)
        try:
            async with asyncio.timeout(self.spec.stop_timeout_seconds):
                await process.wait()
        except TimeoutError:
            self._report(f"{self.spec.name} does not stop: killing it")
            process.kill()
            await process.wait()

    def _explain(self, what: str) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"{self.spec.name}: {what}. Last lines of {self.log_file}:", *lines])
