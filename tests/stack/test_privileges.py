"""A service's own role may only append to the books and to the console's audit log."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date

import asyncpg
import pytest
import pytest_asyncio

from stack.postgres import Postgres
from tests.kit.connections import connected
from tests.stack.role_server import migrate, role_server

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
    with role_server(tmp_path_factory, ["reporting", "merchants"]) as made:
        yield made


@asynccontextmanager
async def working_role(server: Postgres, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the service's own role, after its migrations."""
    await migrate(server, service)
    async with connected(server.role_url(service, service)) as conn:
        yield conn


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reporting(server: Postgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a ledger with one month's partitions."""
    async with working_role(server, "reporting") as conn:
        await conn.execute("SELECT make_partitions($1)", [date(2026, 11, 1)])
        yield conn


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def merchants(server: Postgres) -> AsyncIterator[asyncpg.Connection]:
    async with working_role(server, "merchants") as conn:
        yield conn


CHANGES = pytest.mark.parametrize(
    "change", ["UPDATE {} SET merchant_id = ''", "DELETE FROM {}", "TRUNCATE {}"]
)


@pytest.mark.parametrize("table", BOOKS)
@CHANGES
async def test_the_service_can_read_the_books_but_not_change_their_rows(reporting, table, change):
    assert await reporting.fetchval(f"SELECT count(*) FROM {table}") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reporting.execute(change.format(table))


async def test_daily_balances_can_be_updated(reporting):
    await reporting.execute("UPDATE balances SET debit_minor = 0")


@CHANGES
async def test_the_service_can_read_the_audit_log_but_not_change_its_rows(merchants, change):
    assert await merchants.fetchval("SELECT count(*) FROM audit_entries") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await merchants.execute(change.format("audit_records"))


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE audit_records DISABLE TRIGGER USER",
        "DROP TABLE audit_records CASCADE",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    ],
)
async def test_the_service_cannot_remove_the_protection_of_the_audit_log(merchants, change):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await merchants.execute(change)
