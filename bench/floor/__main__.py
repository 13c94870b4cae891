"""`make bench-floor`: what a one-click payment costs before any of Incasso's code runs.

Starts PostgreSQL, NATS and the bare walk (bench/floor/walk.py says what it leaves out), pays by one
click under load, and compares with reference charges on the same server. docs/performance.md has the
results; ratios are valid on an idle machine only.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench import reference
from bench.cost import seconds_of
from bench.floor.places import HOST, Places
from bench.floor.walk import ROLES
from bench.load import Load, Storefront
from bench.reference import Reference
from libs import terminal
from stack.nats import throw_away_nats
from stack.postgres import Postgres, running
from stack.process import free_ports, tied_to_parent

SCHEMA: Final = Path(__file__).with_name("schema.sql")
DATABASE: Final = "floor"
CUSTOMERS: Final = tuple(f"cus_{n}" for n in range(1, 65))  # as in the schema
WARM_UP_SECONDS: Final = 3
SETTLED_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2
OUTSIDE: Final = "world"
_CHARGES: Final = "SELECT count(*) FROM charges"
_WITHOUT_MAIL: Final = (
    "SELECT (SELECT count(*) FROM charges) - (SELECT count(*) FROM messages WHERE state = 'sent')"
)
_WAL: Final = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass(frozen=True)
class Walk:
    """The running processes. `pids`: by name, without the outside world's."""

    server: Postgres
    url: str
    pids: Mapping[str, int]

    def seconds(self) -> dict[str, float]:
        return {name: seconds_of(pid) for name, pid in self.pids.items()}

    def value(self, sql: str) -> int:
        return int(self.server.psql(sql, database=DATABASE))

    def rest(self) -> None:
        """Waits until every charge's mail is sent."""
        deadline = time.monotonic() + SETTLED_SECONDS
        while (waiting := self.value(_WITHOUT_MAIL)) > 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{waiting} charges still have no mail")
            time.sleep(LOOK_SECONDS)

    async def pay(self, concurrency: int, seconds: int, run_id: str) -> Load:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            storefront = Storefront(http, url=self.url, secret_key="floor", run_id=run_id)  # noqa: S106 - never checked
            return await storefront.pay(CUSTOMERS, concurrency=concurrency, seconds=seconds)


@dataclass(frozen=True)
class Figures:
    """Cost of the bare walk: CPU seconds by process and bytes of WAL, for `charges` charges."""

    load: Load
    charges: int
    seconds: Mapping[str, float]
    wal_bytes: int
    limit: Reference


@contextmanager
def walking(folder: Path) -> Iterator[Walk]:
    port, *ports = free_ports(6)
    server = Postgres(folder / "data", port)
    server.initialise()
    with ExitStack() as started:
        log = started.enter_context((folder / "log").open("wb"))
        started.enter_context(running(server, log.fileno()))
        server.ensure_databases([DATABASE, "reference"])
        server.psql(SCHEMA.read_text(), database=DATABASE)
        nats = started.enter_context(throw_away_nats())
        backends = {child.name(): child.pid for child in psutil.Process().children()}
        places = Places(server.url(DATABASE), nats.url, *ports)
        roles = {role: started.enter_context(playing(role, places)) for role in ROLES}
        pids = {role: pid for role, pid in roles.items() if role != OUTSIDE}
        pids |= {"postgres": backends["postgres"], "nats": backends["nats-server"]}
        yield Walk(server, f"http://{HOST}:{places.gateway}", pids)


@contextmanager
def playing(role: str, places: Places) -> Iterator[int]:
    """Runs a role's process and yields its pid once it is ready."""
    command = [sys.executable, "-m", "bench.floor.walk", role, json.dumps(asdict(places))]
    with subprocess.Popen(tied_to_parent(command), stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            if child.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{role} did not start")
            yield child.pid
        finally:
            child.terminate()


def measure(walk: Walk, *, seconds: int, concurrency: int) -> Figures:
    asyncio.run(walk.pay(concurrency, WARM_UP_SECONDS, "warm-up"))
    walk.rest()
    charges, spent, wal = walk.value(_CHARGES), walk.seconds(), walk.value(_WAL)
    load = asyncio.run(walk.pay(concurrency, seconds, "floor"))
    walk.rest()
    charges, wal = walk.value(_CHARGES) - charges, walk.value(_WAL) - wal
    each = {name: after - spent[name] for name, after in walk.seconds().items()}
    limit = reference.measure(
        walk.server.url("reference"),
        clients=concurrency,
        seconds=seconds,
        server_seconds=lambda: seconds_of(walk.pids["postgres"]),
    )
    return Figures(load, charges, each, wal, limit)


def table(figures: Figures) -> Table:
    shown = Table(title="Cost of a click on the bare walk", title_justify="left")
    shown.add_column("CPU time")
    shown.add_column("ms", justify="right")
    shown.add_column("in reference charges", justify="right")
    rows = {**figures.seconds, "all": sum(figures.seconds.values())}
    for name, spent in rows.items():
        each = spent / figures.charges
        in_references = each / figures.limit.cpu_seconds
        shown.add_row(
            name, f"{1000 * each:.2f}", f"{in_references:.2f}", end_section=name == "nats"
        )
    return shown


def main(
    seconds: Annotated[int, typer.Option(min=2, max=600)] = 10,
    concurrency: Annotated[int, typer.Option(min=1, max=150)] = 32,
) -> None:
    console = Console()
    with (
        console.status("measuring"),
        tempfile.TemporaryDirectory(prefix="incasso-floor-", ignore_cleanup_errors=True) as folder,
        walking(Path(folder)) as walk,
    ):
        figures = measure(walk, seconds=seconds, concurrency=concurrency)
    console.print(table(figures))
    load, limit = figures.load, figures.limit
    console.print(
        f"{load.per_second:.1f} clicks per second, {load.per_second / limit.per_second:.3f} of"
        f" {limit.per_second:.1f} reference charges, which take {1000 * limit.cpu_seconds:.2f} ms each;"
        f" {figures.wal_bytes / figures.charges / 1000:.1f} kB of WAL per click;"
        f" not captured: {load.other or 'none'}"
    )


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
