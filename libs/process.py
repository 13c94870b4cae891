"""The life of a gRPC service's process: set up, serve, and stop in reverse order on SIGTERM.

`python -m services.x` serves; `python -m services.x migrate` migrates the database; `check` says
whether everything that the service needs is available. A service may have other jobs.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
import uvloop

from incasso.merchants.v1 import events_pb2
from libs import bus as buses
from libs import (
    bus_users,
    client,
    clock,
    consumer,
    db,
    identity,
    lag,
    logs,
    preflight,
    relay,
    retention,
    schema,
    services,
    settings,
    startup,
    telemetry,
    tls,
)
from libs.admin import Admin
from libs.bus import Event
from libs.db import Conn, Database
from libs.due import DueWorker, Lookout
from libs.errors import ServiceUnavailable
from libs.identity import Signer, Trust
from libs.logs import log
from libs.retention import NOTHING, Kept
from libs.server import Server
from libs.tasks import Tasks, cancel
from libs.watched import FileError

CLOCK_SUBJECT: Final = "incasso.merchants.test_clock.advanced"

_CANNOT_START: Final = (*startup.NOT_YET, FileError)

Loop = Callable[[], Coroutine[Any, Any, None]]
# Returns the exit code. It prints its output; logs go to standard error.
Job = Callable[[Sequence[str]], Coroutine[Any, Any, int]]
S = TypeVar("S", bound=settings.ServiceSettings)


@dataclass(frozen=True, slots=True)
class Chassis:
    """What the chassis provides to a service."""

    db: Database
    tasks: Tasks


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service provides to the chassis."""

    servicers: Sequence[tuple[Callable[[Any, grpc.aio.Server], None], object]]
    workers: Sequence[DueWorker[Any]] = ()  # of its due rows
    loops: Sequence[Loop] = ()  # run until the process stops
    handlers: dict[str, consumer.Handler] = field(default_factory=dict)  # subject → handler
    kept: Kept = NOTHING  # what its tables keep, and for how long
    # Subject → what each replica does at once, e.g. drop a cache entry. Events may be missed.
    listeners: Mapping[str, Callable[[Event], None]] = field(default_factory=dict)
    close: Sequence[Callable[[], Awaitable[object]]] = ()  # channels and sessions


def run(
    name: str,
    settings_class: type[S],
    build: Callable[[S, Chassis], Awaitable[Parts]],
    migrations: Path,
    jobs: Mapping[str, Job] | None = None,
) -> None:
    """Main function of a service."""
    first = sys.argv[1] if len(sys.argv) > 1 else ""
    if jobs and first in jobs:
        logs.set_up(name, to=sys.stderr)
        raise SystemExit(asyncio.run(jobs[first](sys.argv[2:])))
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}")
    parser.add_argument("job", nargs="?", choices=("serve", "migrate", "check"), default="serve")
    parser.add_argument("--rollout", choices=("pre", "post"), action="append")
    options = parser.parse_args()
    config = settings.load(settings_class)
    logs.set_up(name)
    if options.job == "check":
        raise SystemExit(asyncio.run(_check(name, config, migrations)))
    try:
        if options.job == "migrate":
            asyncio.run(_migrate(name, config, build, migrations, options.rollout))
        else:
            uvloop.run(_serve(name, config, build, migrations))
    except _CANNOT_START as error:  # no traceback: the message says what to do
        log.error("cannot start", name=name, error=str(error) or type(error).__name__)
        raise SystemExit(1) from None


async def _check(name: str, config: settings.ServiceSettings, migrations: Path) -> int:
    found = await preflight.findings(name, config, migrations, now=datetime.now(UTC))
    for one in found:
        sys.stdout.write(f"{name} {one.subject}: {one.wrong or 'ok'}\n")
    return int(any(one.wrong for one in found))


async def _migrate(
    name: str,
    config: S,
    build: Callable[[S, Chassis], Awaitable[Parts]],
    migrations: Path,
    rollouts: Sequence[str] | None,
) -> None:
    chosen = frozenset(rollouts or ("pre", "post"))
    await startup.wait_for(
        lambda: schema.now_and_missing(config.database_url, name, migrations),
        name=name,
        seconds=config.startup_wait_seconds,
        stopping=asyncio.Event(),
    )
    applied = await schema.migrate(config.database_url, name, migrations, rollouts=chosen)
    log.info("migrated", count=len(applied), name=name)
    if config.nats_setup_url:
        await _set_up_bus(name, config, build)


async def _set_up_bus(
    name: str, config: S, build: Callable[[S, Chassis], Awaitable[Parts]]
) -> None:
    """Sets up the stream and the service's consumer, which the service itself may not change."""
    database = await db.connect(config.database_url, pool_size=1, service=name)
    bus = await buses.connect(
        config.nats_setup_url, service=bus_users.SETUP, replicas=config.nats_replicas
    )
    parts = await build(config, Chassis(database, Tasks()))
    try:
        await buses.set_up(bus, replicas=config.nats_replicas)
        await consumer.Consumer(name, database, bus, _handlers(parts)).set_up()
    finally:
        for close in parts.close:
            await close()
        await bus.close()
        await database.close()


async def _serve(
    name: str,
    config: S,
    build: Callable[[S, Chassis], Awaitable[Parts]],
    migrations: Path,
) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    provider = telemetry.set_up(name)
    identity.set_up(Signer(name, config.identity_key_file), Trust(config.trust_dir))
    tls.set_up(config.tls())
    client.set_up(config)
    database = await startup.wait_for(
        lambda: _migrated_database(name, config, migrations),
        name=name,
        seconds=config.startup_wait_seconds,
        stopping=stopping,
    )
    chassis = Chassis(database, Tasks())
    parts = await build(config, chassis)
    names = services.named(name).full_names
    server = Server(
        parts.servicers, names, chassis.tasks, reflects=config.reflection, settings=config
    )
    admin = Admin(lambda: _ready(database))
    lag.settle()
    loops = [asyncio.create_task(loop()) for loop in _loops(name, config, database, parts)]
    port = await server.start(f"{config.listen_host}:{config.grpc_port}")
    await admin.start(config.listen_host, config.admin_port)
    log.info("serving", port=port)

    await _first(stopping, loops)
    log.info("stopping")
    admin.leave()
    await server.leave()
    await asyncio.sleep(config.drain_seconds)
    await server.stop(config.grace_seconds)
    await cancel(loops)
    for close in parts.close:
        await close()
    await database.close()
    await admin.stop()
    provider.shutdown()
    failed = [loop.exception() for loop in loops if loop.done() and not loop.cancelled()]
    if any(failed):
        raise SystemExit(1)


async def _migrated_database(
    name: str, config: settings.ServiceSettings, migrations: Path
) -> Database:
    database = await db.connect(
        config.database_url, pool_size=config.database_pool_size, service=name
    )
    try:
        await schema.verify(database, name, migrations)
    except BaseException:
        await database.close()
        raise
    return database


async def _first(stopping: asyncio.Event, loops: Sequence["asyncio.Task[None]"]) -> None:
    """Waits until a signal arrives or a loop ends, which none should: the process then restarts."""
    waiting = asyncio.create_task(stopping.wait())
    await asyncio.wait({waiting, *loops}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for loop in loops:
        if loop.done() and not loop.cancelled() and (error := loop.exception()):
            log.error("background loop ended", exc_info=error)


async def _ready(database: Database) -> str:
    try:
        async with asyncio.timeout(2):
            await database.ping()
    except (ServiceUnavailable, TimeoutError):
        return "the database does not answer"
    return ""


def _loops(
    name: str, config: settings.ServiceSettings, database: Database, parts: Parts
) -> list[Loop]:
    async def events() -> None:
        """The process serves without NATS; events wait in the outbox until it is back."""
        bus = await buses.connect(config.nats_url, service=name)
        handlers = _handlers(parts)
        for subject, listener in parts.listeners.items():
            await bus.listen(subject, listener)
        writer = asyncio.create_task(relay.Relay(database, bus).run())
        reader = asyncio.create_task(consumer.Consumer(name, database, bus, handlers).run())
        try:
            await asyncio.gather(writer, reader)
        finally:
            await cancel([writer, reader])
            await bus.close()

    async def forget() -> None:
        await retention.run(database, retention.together(name, parts.kept).rules)

    due = [worker.run for worker in parts.workers]
    if due:
        due.append(Lookout(database, parts.workers).run)
    return [lag.Meter().run, events, forget, *due, *parts.loops]


def _handlers(parts: Parts) -> dict[str, consumer.Handler]:
    return {CLOCK_SUBJECT: _follow_clock, **parts.handlers}


async def _follow_clock(conn: Conn, event: Event) -> None:
    advanced = events_pb2.TestClockAdvanced.FromString(event.body)
    await clock.follow(conn, advanced.merchant_id, advanced.offset_seconds)
