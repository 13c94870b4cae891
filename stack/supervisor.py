"""Starts processes in dependency order, keeps them alive, and stops them in reverse.

Knows nothing about Incasso: topology.py says what to run. In production Kubernetes does this job.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from stack.child import Child, Report, StartFailedError
from stack.fork_server import ForkServer
from stack.topology import Process

OnReady = Callable[[str, float], None]


class Supervisor:
    def __init__(
        self,
        processes: Sequence[Process],
        *,
        cwd: Path,
        run: Path,
        log: Path,
        report: Report,
        on_ready: OnReady = lambda name, seconds: None,
    ) -> None:
        run.mkdir(parents=True, exist_ok=True)
        log.mkdir(parents=True, exist_ok=True)
        for stale in run.glob("*.pid"):
            stale.unlink()
        self._forks = ForkServer(log / "fork-server.log")
        self.children = {
            spec.name: Child(spec, self._forks, cwd=cwd, run=run, log=log, report=report)
            for spec in processes
        }
        self._on_ready = on_ready
        self._tasks: list[asyncio.Task[None]] = []
        self._began = time.monotonic()

    def __getitem__(self, name: str) -> Child:
        return self.children[name]

    async def start(self) -> None:
        """Returns once everything is ready. If it raises StartFailedError, nothing is left
        running.
        """
        try:
            self._tasks = [asyncio.create_task(self._live(c)) for c in self.children.values()]
            ready = [asyncio.create_task(self._first_ready(c)) for c in self.children.values()]
            try:
                await self._all_or_first_failure(ready)
            finally:
                for task in ready:
                    task.cancel()
                await asyncio.gather(*ready, return_exceptions=True)
        except BaseException:
            await self.stop()
            raise

    async def _all_or_first_failure(self, ready: list[asyncio.Task[None]]) -> None:
        pending: set[asyncio.Task[None]] = {*ready, *self._tasks}
        while not all(task.done() for task in ready):
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # raises the original error

    async def _live(self, child: Child) -> None:
        for name in child.spec.after:
            await asyncio.shield(self.children[name].first_ready)
        await child.run()

    async def _first_ready(self, child: Child) -> None:
        """Waits until the child is ready. Its timeout starts once its dependencies are ready."""
        await asyncio.gather(
            *(asyncio.shield(self.children[name].first_ready) for name in child.spec.after)
        )
        timeout = child.spec.start_timeout_seconds
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(child.first_ready)
        except TimeoutError:
            raise StartFailedError(f"{child.spec.name} is not ready after {timeout:g} s") from None
        self._on_ready(child.spec.name, time.monotonic() - self._began)

    async def stop(self) -> None:
        """Ends every process, the highest tier first; safe to call again."""
        by_tier = sorted(self.children.values(), key=lambda child: -child.spec.tier)
        for _, tier in groupby(by_tier, key=lambda child: child.spec.tier):
            await asyncio.gather(*(child.stop() for child in tier))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._forks.stop()
        for child in self.children.values():
            child.first_ready.cancel()

    async def restart(
        self, name: str, sig: signal.Signals, env: Mapping[str, str] | None = None
    ) -> None:
        await self.children[name].restart(sig, env)
