"""Runs flows concurrently on a real PostgreSQL, interleaved statement by statement as a seed decides.

One flow at a time runs its next statement or commit. A flow that waits for another's lock continues
once it gets the lock, as in production. So a race depends only on its seed, and takes no longer than
its statements: nothing sleeps.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Final

from libs.db import Conn, Database
from libs.tasks import cancel, happens

Flow = Callable[[Database], Awaitable[Any]]
STATEMENTS: Final = ("fetch", "fetchrow", "fetchval", "execute")
# A statement that takes longer may be waiting for a lock: ask PostgreSQL.
LOOK_SECONDS: Final = 0.002
_BLOCKED: Final = """
SELECT pid FROM unnest($1::int[]) AS running (pid) WHERE cardinality(pg_blocking_pids(pid)) > 0"""


class At(Enum):
    GATE = "before its next statement"
    WORK = "in a statement, or about to send the next"
    END = "at its end"


class Interleaver:
    """Runs one race after another. Each flow gets a stepped database of its own."""

    def __init__(self, database: Database) -> None:
        self.real = database
        self._moved = asyncio.Event()
        self._racers: list[_Racer] = []

    async def race(self, chance: random.Random, flows: Sequence[Flow]) -> Sequence[Any]:
        """The result or exception of each flow."""
        self._racers = [_Racer(self) for _ in flows]
        pairs = zip(flows, self._racers, strict=True)
        tasks = [asyncio.create_task(_raced(flow, racer)) for flow, racer in pairs]
        try:
            async with self.real.connection() as looking:
                while waiting := await self._at_the_gate(looking):
                    chance.choice(waiting).go()
            return await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            await cancel(tasks)

    async def _at_the_gate(self, looking: Conn) -> "Sequence[_Racer]":
        """Returns the flows ready for their next step, once all others have ended or wait for a lock.
        Empty once all have ended.
        """
        while True:
            self._moved.clear()
            running = [racer for racer in self._racers if racer.at is At.WORK]
            waiting = [racer for racer in self._racers if racer.at is At.GATE]
            if not running:
                return waiting
            was_blocked = all(racer.blocked for racer in running)
            if was_blocked or not await happens(self._moved, LOOK_SECONDS):
                await self._mark_blocked(looking, running)
                if waiting and all(racer.blocked and racer.at is At.WORK for racer in running):
                    return waiting

    async def _mark_blocked(self, looking: Conn, running: "Sequence[_Racer]") -> None:
        """Marks the flows that are waiting for locks."""
        found = await looking.fetch(_BLOCKED, [racer.pid for racer in running])
        blocked = {row["pid"] for row in found}
        for racer in running:
            racer.blocked = racer.pid in blocked

    def moved(self) -> None:
        self._moved.set()


async def _raced(flow: Flow, racer: "_Racer") -> Any:
    try:
        await racer.turn()
        return await flow(racer)
    finally:
        racer.at = At.END
        racer.stepper.moved()


class _Racer(Database):
    """The database of one flow."""

    def __init__(self, stepper: Interleaver) -> None:
        self.stepper = stepper
        self.at = At.WORK
        self.pid = 0
        self.blocked = False
        self._go = asyncio.Event()

    def go(self) -> None:
        self.at, self.blocked = At.WORK, False
        self._go.set()

    async def turn(self) -> None:
        """Waits until the flow is chosen."""
        self.at = At.GATE
        self._go.clear()
        self.stepper.moved()
        await self._go.wait()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        async with self.stepper.real.connection() as conn:
            yield _Stepped(conn, self)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self.stepper.real.transaction() as conn:
            yield _Stepped(conn, self)
            await self.turn()  # before it commits


class _Stepped:
    def __init__(self, conn: Conn, racer: _Racer) -> None:
        self._conn = conn
        self._racer = racer

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._conn, name)
        if name not in STATEMENTS:
            return real

        async def stepped(*args: Any) -> Any:
            await self._racer.turn()
            self._racer.pid = self._conn.raw.get_server_pid()
            return await real(*args)

        return stepped
