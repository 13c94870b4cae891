"""PostgreSQL: a pool, transactions, and a span per statement. SQL itself lives in store.py files."""

import asyncio
import functools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar
from urllib.parse import urlsplit

import asyncpg

from libs import telemetry
from libs.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")
Row: TypeAlias = asyncpg.Record
UniqueViolation: TypeAlias = asyncpg.UniqueViolationError
CheckViolation: TypeAlias = asyncpg.CheckViolationError
StatementError: TypeAlias = asyncpg.PostgresError  # refused by the server: nothing was done
# Errors of a server that is still being set up: it does not listen, or lacks the role or database.
NOT_YET: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TargetServerAttributeNotMatched,  # its standby is not promoted yet
)


@contextmanager
def on_unique_violation(**refusals: type[Exception]) -> Iterator[None]:
    """Maps the violation of a unique constraint or index, by name, to a refusal. Any other
    violation is a fault of the program.
    """
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        refusal = refusals.get(error.constraint_name or "")
        if refusal is None:
            raise
        raise refusal from error


_CHANGE = re.compile(
    r"\b(INSERT INTO|(?<!FOR )(?<!KEY )(?<!DO )UPDATE|DELETE FROM)\s+([a-z_]+)", re.IGNORECASE
)
_READ = re.compile(r"\bFROM\s+([a-z_]+)", re.IGNORECASE)


@functools.lru_cache(maxsize=1024)
def name_of(sql: str) -> str:
    """`UPDATE payments`: what the statement first changes, or else reads; low in cardinality."""
    if change := _CHANGE.search(sql):
        return f"{change[1].split()[0].upper()} {change[2]}"
    if read := _READ.search(sql):
        return f"SELECT {read[1]}"
    return sql.split(None, 1)[0].upper()


class Conn:
    """A connection whose statements are spans of the current trace. `raw` is asyncpg's own."""

    __slots__ = ("committed", "raw")

    def __init__(self, raw: "asyncpg.pool.PoolConnectionProxy[Row]") -> None:
        self.raw = raw
        self.committed: list[Callable[[], None]] = []

    def after_commit(self, call: Callable[[], None]) -> None:
        """Calls `call` after this transaction commits, if it does. `call` must not raise."""
        assert self.raw.is_in_transaction()
        self.committed.append(call)

    async def fetch(self, sql: str, *args: object) -> list[Row]:
        """All rows."""
        with _span(sql):
            return await self.raw.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row, or None."""
        with _span(sql):
            return await self.raw.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first value of the first row, or None."""
        with _span(sql):
            return await self.raw.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Runs a statement and returns the number of rows that it affected (0 where that has no
        meaning).
        """
        with _span(sql):
            count = (await self.raw.execute(sql, *args)).rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0


class Snapshot(Conn):
    """All its statements read the same moment: for functions that read several rows of one thing."""

    __slots__ = ()


def _span(sql: str) -> AbstractContextManager[object]:
    if not telemetry.recording():
        return nullcontext()
    return telemetry.span(
        name_of(sql),
        kind=telemetry.SpanKind.CLIENT,
        attributes={"db.system.name": "postgresql", "db.query.text": sql},
    )


class Database:
    """A pool of connections to one service's database. Open it with `connect`."""

    def __init__(self, pool: "asyncpg.Pool[Row]") -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Conn]:
        """A connection without a transaction: each statement commits by itself.

        Raises ServiceUnavailable if the database is not available, or goes away meanwhile.
        """
        try:
            async with self._pool.acquire() as acquired:
                yield Conn(acquired)
        except (
            OSError,
            asyncpg.PostgresConnectionError,
            asyncpg.CannotConnectNowError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # the server has announced its end, but has not ended yet
        ) as error:
            raise ServiceUnavailable from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Conn]:
        """A connection in a transaction, which commits at the end and rolls back on any
        exception.
        """
        async with self.connection() as conn:
            transaction = conn.raw.transaction()
            with _span("BEGIN"):
                await transaction.start()
            try:
                yield conn
            except BaseException:
                await transaction.rollback()
                raise
            with _span("COMMIT"):
                await transaction.commit()
            for call in conn.committed:
                call()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Several statements that read one snapshot, whatever others commit meanwhile."""
        async with (
            self.connection() as conn,
            conn.raw.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield Snapshot(conn.raw)

    async def run(
        self,
        statement: Callable[Concatenate[Conn, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """A single statement of a store, without a transaction."""
        async with self.connection() as conn:
            return await statement(conn, *args, **kwargs)

    async def ping(self) -> None:
        """Raises ServiceUnavailable or a PostgreSQL error if the database does not answer."""
        async with self.connection() as conn:
            await conn.fetchval("SELECT 1")

    async def close(self) -> None:
        await self._pool.close()


async def open_connection(url: str, **options: Any) -> "asyncpg.Connection[Row]":
    """A connection outside of a pool. A URL may name several hosts, as in
    `postgresql://…@one:5432,two:5432/payments?target_session_attrs=read-write`.

    All hosts are tried at once, and the first suitable one wins: a machine that is down does not
    even refuse. Raises OSError or an error of asyncpg.
    """
    parts = urlsplit(url)
    user_info, at, hosts = parts.netloc.rpartition("@")
    urls = [parts._replace(netloc=f"{user_info}{at}{host}").geturl() for host in hosts.split(",")]
    asked = [asyncio.create_task(_ask(one, options)) for one in urls]
    failure: Exception | None = None
    try:
        for answered in asyncio.as_completed(asked):
            try:
                return await answered
            except (OSError, asyncpg.InternalClientError, asyncpg.CannotConnectNowError) as error:
                failure = error
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    raise failure or OSError(f"{parts.path}: no host")


async def _ask(url: str, options: Mapping[str, Any]) -> "asyncpg.Connection[Row]":
    conn: asyncpg.Connection[Row] = await asyncpg.connect(url, **options)
    return conn


async def connect(
    url: str, *, pool_size: int, service: str, statement_seconds: float | None = 30
) -> Database:
    """Opens a pool. jsonb columns are Python objects; the session's time zone is UTC. A statement
    may take `statement_seconds`; None: no limit.
    """
    opening: Any = open_connection  # the stubs require each of asyncpg's own options
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=pool_size,
        connect=opening,
        init=_prepare_connection,
        reset=_leave_as_it_is,
        command_timeout=statement_seconds,
        server_settings={"application_name": service, "timezone": "UTC"},
    )
    return Database(pool)


async def _prepare_connection(conn: "asyncpg.Connection[Row]") -> None:
    await conn.set_type_codec(
        "jsonb", encoder=json.dumps, decoder=_of_jsonb, schema="pg_catalog", format="text"
    )


_decode = json.JSONDecoder().raw_decode


def _of_jsonb(text: str) -> Any:
    """json.loads takes several times as long for a short text, only to allow blanks around it."""
    return _decode(text)[0]


async def _leave_as_it_is(_: object) -> None:
    """No round trip on release: no code leaves session state behind, and the relay cleans up after
    itself.
    """
