"""What the role of the service may do with the books: add to them."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from libs import schema
from stack import roles
from stack.memory import throw_away_folder
from stack.postgres import Postgres, running
from stack.process import free_ports
from tests.kit.connections import connected

MIGRATIONS = Path(__file__).resolve().parents[3] / "services" / "reporting" / "migrations"
BOOKS = [
    "entries",
    "postings",
    "entries_rest",
    "postings_202611",
    "periods",
    "late_entries",
    "merchant_zones",
]
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("roles")
    with throw_away_folder(in_memory=True) as data, (folder / "log").open("wb") as log:
        made = Postgres(data / "data", free_ports(1)[0], durable=False, secrets=folder / "secrets")
        made.initialise()
        with running(made, log.fileno()):
            made.ensure_services(["reporting"])
            yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reporting(server: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """As the service connects, with a month in which something was booked."""
    owner = server.role_url(roles.owner("reporting"), "reporting")
    await schema.migrate(owner, "reporting", MIGRATIONS)
    async with connected(server.role_url("reporting", "reporting")) as conn:
        await conn.execute("SELECT make_partitions($1)", [date(2026, 11, 1)])
        yield conn


@pytest.mark.parametrize("table", BOOKS)
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET merchant_id = ''", "DELETE FROM {}", "TRUNCATE {}"]
)
async def test_the_books_are_read_and_added_to_and_nothing_else(reporting, table, change):
    assert await reporting.fetchval(f"SELECT count(*) FROM {table}") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reporting.execute(change.format(table))


async def test_balances_of_days_are_kept_up(reporting):
    await reporting.execute("UPDATE balances SET debit_minor = 0")
