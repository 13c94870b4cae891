"""What a piece of work costs: CPU time by process, statements, commits and WAL.

The embedded PostgreSQL has no pg_stat_statements, so statements and commits are counted in the server's
log. That needs a separate run, because writing the log takes time as well.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import psutil

from bench import wal
from libs import db, services
from libs.db import Database
from stack.embedded import Stack
from stack.ports import Ports, replica_names

STUCK_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 0.2
# Backends whose CPU time counts. The PSP and other outside systems do not.
BACKENDS: Final = ("postgres", "nats")
_APPLICATION: Final = "bench"
_PREFIX: Final = "%p|%d|%a|"
_LINE = re.compile(r"(\d+)\|(\w*)\|(\w*)\|LOG:  (?:statement|execute [^:]+): (.*(?:\n\t.*)*)")
_WAITING: Final = {
    "outbox": "SELECT count(*) FROM outbox WHERE published_at IS NULL AND set_aside_at IS NULL",
    "messages": "SELECT count(*) FROM due_messages WHERE due_at <= now() + interval '15 minutes'",
}


@dataclass
class Counted:
    """Statements of all services, including BEGIN and COMMIT, and committed transactions."""

    statements: int = 0
    commits: int = 0
    by_service: Counter[str] = field(default_factory=Counter)
    by_name: Counter[str] = field(default_factory=Counter)  # `payments UPDATE attempts`


@dataclass(frozen=True)
class Spent:
    """CPU seconds by process, and bytes of WAL."""

    seconds: Mapping[str, float]
    wal_bytes: int
    wal_by_table: Mapping[str, int]

    @property
    def all_seconds(self) -> float:
        return sum(self.seconds.values())

    @property
    def shares(self) -> dict[str, float]:
        return {name: spent / self.all_seconds for name, spent in self.seconds.items()}


class Meter:
    """Measures one stack. `__aenter__` connects to each database as the superuser, who may read everything."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._databases: dict[str, Database] = {}

    async def __aenter__(self) -> Self:
        for name in ("postgres", *services.NAMES):
            url = self._stack.database_url(name)
            self._databases[name] = await db.connect(url, pool_size=1, service=_APPLICATION)
        await self._set(wal_keep_size="16GB")  # the WAL of a long run is only read at its end
        return self

    async def __aexit__(self, *_: object) -> None:
        for database in self._databases.values():
            await database.close()

    async def value(self, service: str, sql: str, *args: object) -> int:
        async with self._databases[service].connection() as conn:
            return int(await conn.fetchval(sql, *args))

    async def run(self, service: str, sql: str, *args: object) -> None:
        """Runs the statement with a generous timeout."""
        async with self._databases[service].connection() as conn:
            await conn.raw.execute(sql, *args, timeout=3600)

    async def rest(self) -> None:
        """Waits until every event is published and every message is sent, and this has held for a second.

        Raises RuntimeError if the backlog has not shrunk for `STUCK_SECONDS`.
        """
        before, moved = 0, time.monotonic()
        quiet = 0.0
        while quiet < 1.0:
            await asyncio.sleep(LOOK_SECONDS)
            waiting, now = await self._waiting(), time.monotonic()
            if waiting < before:
                moved = now
            elif waiting and now > moved + STUCK_SECONDS:
                raise RuntimeError(f"{waiting} rows still wait")
            before, quiet = waiting, 0.0 if waiting else quiet + LOOK_SECONDS

    async def spent(self, work: Callable[[], Awaitable[Any]]) -> tuple[Any, Spent]:
        """The result of `work` and its cost, including all events and messages that it causes."""
        await self.rest()
        cpu, written, begin = self._seconds(), await self._wal(), await self._position()
        answer = await work()
        await self.rest()
        after = self._seconds()
        seconds = {name: after[name] - cpu[name] for name in cpu}
        return answer, Spent(seconds, await self._wal() - written, await self._wal_by_table(begin))

    async def counted(self, work: Callable[[], Awaitable[Any]]) -> tuple[Any, Counted]:
        """The result of `work` and its statements, including those of all events and messages that it causes."""
        await self.rest()
        async with self._logged() as counted:
            answer = await work()
            await self.rest()
        return answer, counted

    @asynccontextmanager
    async def _logged(self) -> AsyncIterator[Counted]:
        log = self._stack.folders.log / "postgres.log"
        await self._set(log_line_prefix=_PREFIX, log_parameter_max_length="0", log_statement="all")
        counted, begin = Counted(), log.stat().st_size
        try:
            yield counted
        finally:
            end = log.stat().st_size
            await self._set(log_statement="none")
        count(counted, await asyncio.to_thread(_read, log, begin, end))

    async def _set(self, **settings: str) -> None:
        async with self._databases["postgres"].connection() as conn:
            for name, value in settings.items():
                await conn.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            await conn.fetchval("SELECT pg_reload_conf()")
        await asyncio.sleep(LOOK_SECONDS)  # backends reload on a signal

    async def _wal(self) -> int:
        return await self.value("postgres", "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")

    async def _position(self) -> str:
        async with self._databases["postgres"].connection() as conn:
            return await wal.position(conn)

    async def _wal_by_table(self, begin: str) -> Mapping[str, int]:
        end, names = await self._position(), dict[tuple[int, int], str]()
        for database in self._databases.values():
            async with database.connection() as conn:
                names |= await wal.files(conn)
        data = self._stack.folders.data("postgres")
        return await asyncio.to_thread(wal.by_table, data, begin, end, names)

    async def _waiting(self) -> int:
        found = [await self.value(name, _WAITING["outbox"]) for name in services.NAMES]
        return sum(found) + await self.value("notify", _WAITING["messages"])

    def _seconds(self) -> dict[str, float]:
        names = (*BACKENDS, *counted_names(self._stack.ports))
        return {name: seconds_of(self._stack.pid(name)) for name in names}


def counted_names(ports: Ports) -> list[str]:
    """Every replica of the services and of the gateway. A measured stack has no console."""
    groups = {name: len(ports.replicas[name]) for name in (*services.NAMES, "gateway")}
    return [replica for name, count in groups.items() for replica in replica_names(name, count)]


def seconds_of(pid: int) -> float:
    """CPU time of a process and its children, including children that have ended."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    found = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # a server worker that has just exited
        found += own.user + own.system
    return float(found)


def _read(file: Path, begin: int, end: int) -> str:
    with file.open("rb") as log:
        log.seek(begin)
        return log.read(end - begin).decode(errors="replace")


def count(into: Counted, log: str) -> None:
    """Counts each statement sent by a service. One outside a transaction counts as its own commit."""
    known = set(services.NAMES)
    open_in: set[str] = set()
    for backend, database, application, sql in _LINE.findall(log):
        if database not in known or application == _APPLICATION:
            continue
        into.statements += 1
        into.by_service[database] += 1
        name = db.name_of(sql).rstrip(";")
        into.by_name[f"{database} {name}"] += 1
        if name == "BEGIN":
            open_in.add(backend)
        elif name in ("COMMIT", "ROLLBACK"):
            into.commits += name == "COMMIT"
            open_in.discard(backend)
        else:
            into.commits += backend not in open_in
