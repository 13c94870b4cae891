"""The stack's PostgreSQL: a service works in its own database, and no other role does."""

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from stack.postgres import Postgres
from tests.kit.connections import connected
from tests.stack.role_server import migrate, role_server

REFUSED = asyncpg.InsufficientPrivilegeError


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Postgres]:
    with role_server(tmp_path_factory, ["payments", "oneclick"]) as made:
        yield made


@pytest.fixture(scope="module")
async def migrated(server: Postgres) -> Postgres:
    for service in ("payments", "oneclick"):
        await migrate(server, service)
    return server


async def test_a_service_reads_and_changes_its_own_rows(migrated: Postgres):
    async with connected(migrated.role_url("payments", "payments")) as payments:
        await payments.execute(
            "INSERT INTO test_clocks (merchant_id, clock_offset) VALUES ('m', '1s')"
        )
        await payments.execute("UPDATE test_clocks SET clock_offset = '2s'")
        await payments.execute("DELETE FROM test_clocks")
        assert await payments.fetchval("SELECT count(*) FROM schema_migrations") > 0
        await payments.execute("LISTEN outbox")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE coin (id int)",
        "CREATE TEMP TABLE coin (id int)",
        "DROP TABLE payments",
        "ALTER TABLE payments ADD coin int",
        "TRUNCATE payments",
        "CREATE SCHEMA mine",
        "CREATE ROLE another",
        "CREATE DATABASE another",
        "ALTER ROLE payments SUPERUSER",
        "SET ROLE payments_owner",
        "SELECT * FROM pg_authid",
        "COPY payments TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
    ],
)
async def test_a_service_is_denied_ddl_roles_and_server_files(migrated: Postgres, statement: str):
    async with connected(migrated.role_url("payments", "payments")) as payments:
        with pytest.raises(REFUSED):
            await payments.execute(statement)


@pytest.mark.parametrize("role", ["payments", "payments_owner"])
@pytest.mark.parametrize("database", ["oneclick", "postgres", "template1"])
async def test_a_services_roles_cannot_connect_to_other_databases(
    migrated: Postgres, role: str, database: str
):
    with pytest.raises(REFUSED, match="permission denied"):
        await asyncpg.connect(migrated.role_url(role, database))


@pytest.mark.parametrize("role", ["payments", "payments_owner", "postgres"])
async def test_a_role_cannot_connect_with_a_wrong_password(migrated: Postgres, role: str):
    where = {"host": "127.0.0.1", "port": migrated.port, "database": "payments"}
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**where, user=role, password="guess")


def test_recreating_the_roles_keeps_their_passwords(migrated: Postgres):
    before = migrated.role_url("payments", "payments")
    migrated.ensure_services(["payments", "oneclick"])
    assert migrated.role_url("payments", "payments") == before


def test_passwords_are_private(server: Postgres):
    assert server.secrets is not None
    files = list(server.secrets.glob("*.password"))
    assert len(files) == 5
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert server.secrets.stat().st_mode & 0o777 == 0o700


def test_data_without_its_passwords_is_refused(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("18")
    with pytest.raises(RuntimeError, match="passwords"):
        Postgres(tmp_path / "data", 1, secrets=tmp_path / "secrets").initialise()
