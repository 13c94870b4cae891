"""Fixtures for all tests: a real PostgreSQL and NATS per worker, and cheap separate databases.

`new_database("payments")` gives the URL of a fresh, migrated database, `new_database("libs")` of
one with the chassis' tables only, `new_database()` of an empty one. `nats_url` is the worker's NATS,
`fresh_nats_url` one without streams. `new_processes` starts a service's own processes. tests/e2e has
the fixtures of the whole embedded stack.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.dev import ConsoleRenderer, plain_traceback

from libs import deadlines, identity, schema, tls
from libs.identity import Trust
from stack.fork_server import ForkServer
from stack.nats import throw_away_nats
from stack.postgres import Postgres, throw_away_postgres
from stack.process import free_ports
from tests.identities import KEY, Everybody, shared_keys
from tests.kit.processes import Processes
from tests.kit.tracing import Tracer
from tests.scheduling import OF_THE_STACK, FewStacks

pytest_plugins = ["tests.workers"]

# Test machines are busy: a slow example is no failure.
BUSY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run, so that only changes decide the result. `make explore` tries others.
settings.register_profile("same", BUSY, derandomize=True)
settings.register_profile("exploring", BUSY, max_examples=1000)
settings.load_profile("same")


def pytest_configure(config: pytest.Config) -> None:
    """Keeps Hypothesis from also drawing constants from our modules: it takes those that its process happens to have
    imported, so examples would differ between workers, and reading them takes three seconds per worker.
    """
    if config.getoption("hypothesis_profile") != "exploring":
        providers.is_local_module_file = lambda path: False


ROOT = Path(__file__).resolve().parent.parent
NewDatabase = Callable[..., str]
NewProcesses = Callable[[str, dict[str, str]], Processes]
T = TypeVar("T")


class Databases:
    """Databases of the worker's server; each service's is migrated once and then copied.

    One connection creates them all, with its own event loop in a thread, since synchronous fixtures use it, too.
    """

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._templates: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._conn = self._run(asyncpg.connect(server.url()))

    def create(self, service: str | None = None) -> str:
        template = "template1" if service is None else self._template(service)
        name = f"test_{service or 'empty'}_{next(self._numbers)}"
        # Without fsync, copying the files costs a quarter of writing their pages to the WAL.
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return self._server.url(name)

    def drop(self, url: str) -> None:
        self._execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    def close(self) -> None:
        self._run(self._conn.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _template(self, service: str) -> str:
        """A database with the chassis' and the service's migrations; "libs" has the chassis' only."""
        name = f"migrated_{service}"
        if name not in self._templates:
            self._execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')
            folder = ROOT / "services" / service / "migrations"
            self._run(schema.migrate(self._server.url(name), service, folder))
            self._templates.add(name)
        return name

    def _execute(self, statement: str) -> None:
        self._run(self._conn.execute(statement))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def database_factory(databases: Databases) -> Iterator[NewDatabase]:
    created: list[str] = []

    def create(service: str | None = None) -> str:
        created.append(databases.create(service))
        return created[-1]

    yield create
    for url in created:
        databases.drop(url)


@pytest.fixture(scope="session", autouse=True)
def _identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Lets this process, and those that it starts, act as every service, as caller and as server."""
    keys = shared_keys(tmp_path_factory.mktemp("keys"))
    identity.set_up(Everybody(keys.private(KEY)), Trust(keys.trust))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INCASSO_IDENTITY_KEY_FILE", str(keys.private(KEY)))
        patch.setenv("INCASSO_TRUST_DIR", str(keys.trust))
        for name in ("CERTIFICATE", "KEY", "CA"):  # set if the shell has sourced a stack's demo.env
            patch.delenv(f"INCASSO_TLS_{name}_FILE", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _short_deadlines() -> Iterator[None]:
    """Lengthens the shortest deadlines in this process: a busy machine is no slow service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deadlines, "OFFER", deadlines.READ)
        patch.setattr(deadlines, "BRIEF", deadlines.PAGE)
        yield


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    """Structlog's coloured tracebacks, with sources and values, take a quarter of a second each."""
    *before, _ = structlog.get_config()["processors"]
    plain = ConsoleRenderer(exception_formatter=plain_traceback)
    structlog.configure(processors=[*before, plain])


@pytest.fixture(scope="session", autouse=True)
def _tracer() -> Tracer:
    return Tracer()


@pytest.fixture
def recorded_spans(_tracer: Tracer) -> Iterator[InMemorySpanExporter]:
    """Records the traces that begin in the test; holds their finished spans."""
    with _tracer.recording() as spans:
        yield spans


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with throw_away_postgres(in_memory=True) as server:
        yield server


@pytest.fixture(scope="session")
def databases(postgres: Postgres) -> Iterator[Databases]:
    found = Databases(postgres)
    yield found
    found.close()


@pytest.fixture
def new_database(databases: Databases) -> Iterator[NewDatabase]:
    """A factory of databases that live as long as the test."""
    yield from database_factory(databases)


@pytest.fixture(scope="module")
def new_module_database(databases: Databases) -> Iterator[NewDatabase]:
    """A factory of databases that live as long as the module's tests."""
    yield from database_factory(databases)


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    with throw_away_nats() as server:
        yield server.url


@pytest.fixture
def fresh_nats_url() -> Iterator[str]:
    """A separate NATS, for tests that count streams or stop the server."""
    with throw_away_nats() as server:
        yield server.url


@pytest.fixture(scope="session")
async def forks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ForkServer]:
    server = ForkServer(tmp_path_factory.mktemp("forks") / "server.log")
    yield server
    await server.stop()


@pytest.fixture
async def new_processes(forks: ForkServer, tmp_path: Path) -> AsyncIterator[NewProcesses]:
    """`new_processes("payments", environment)` makes processes that live as long as the test."""
    made: list[Processes] = []

    def new(service: str, environment: dict[str, str]) -> Processes:
        made.append(Processes(forks, service, environment, tmp_path))
        return made[-1]

    yield new
    for processes in made:
        await processes.kill_all()


@pytest.fixture(autouse=True, scope="module")
def _without_tls() -> Iterator[None]:
    """Asserts that TLS set up by a module's tests, as the CLI does, does not leak into later tests."""
    yield
    assert tls.current() is None


@pytest.fixture
def free_port() -> Callable[[], int]:
    return lambda: free_ports(1)[0]


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FewStacks | None:
    return FewStacks(config, log) if config.getoption("dist") == "loadfile" else None


class Folder(pytest.Package):
    """A package without `__init__.py`: without one, package-scoped fixtures would live until the run ends."""

    def setup(self) -> None:
        """There is no `__init__.py` to import."""


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> Folder | None:
    return Folder.from_parent(parent, path=path) if path == ROOT / OF_THE_STACK else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests of the whole stack, so that `pytest -m "not e2e"` leaves them out."""
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)
