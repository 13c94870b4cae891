"""Migrations: plain SQL files, forward only, `0007_pre_add_x.sql` / `0008_post_drop_y.sql`.

`pre` files run before the new version starts and must also suit the old one; `post` files run once
the old version is gone. The chassis' own tables (libs/migrations) come first in every database. A
lock lets any number of processes migrate at once. Not an ORM, no down migrations.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg

from libs.db import Conn, Database, open_connection

CHASSIS: Final = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_(pre|post)_[a-z0-9_]+\.sql")
_LOCK: Final = 0x1CA550  # any constant: one migration at a time per database

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    component text NOT NULL,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (component, name)
)"""


class SchemaBehindError(RuntimeError):
    """The database lacks migrations that this version needs."""


@dataclass(frozen=True, slots=True)
class Migration:
    component: str
    name: str
    rollout: str  # "pre" or "post"
    path: Path


def migrations(component: str, folder: Path) -> list[Migration]:
    """The files of a folder in order; a file with an invalid name is an error."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        fits = _NAME.fullmatch(path.name)
        if not fits:
            raise ValueError(f"{path.name}: a migration is called 0001_pre_what_it_does.sql")
        found.append(Migration(component, path.name, fits.group(2), path))
    return found


def all_migrations(service: str, folder: Path) -> list[Migration]:
    """The migrations of the chassis, then those of the service."""
    return [*migrations("libs", CHASSIS), *migrations(service, folder)]


async def migrate(
    url: str, service: str, folder: Path, *, rollouts: frozenset[str] = frozenset({"pre", "post"})
) -> list[str]:
    """Applies missing migrations, each file in its own transaction; returns their names."""
    conn = await open_connection(url)
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await conn.execute(_LEDGER)
        done = {(r["component"], r["name"]) for r in await conn.fetch(_APPLIED)}
        applied = []
        for migration in all_migrations(service, folder):
            if (migration.component, migration.name) in done or migration.rollout not in rollouts:
                continue
            async with conn.transaction():
                await conn.execute(migration.path.read_text())
                await conn.execute(
                    "INSERT INTO schema_migrations (component, name) VALUES ($1, $2)",
                    migration.component,
                    migration.name,
                )
            applied.append(migration.name)
        return applied
    finally:
        await conn.close()


_APPLIED = "SELECT component, name FROM schema_migrations"


async def missing(conn: asyncpg.Connection | Conn, service: str, folder: Path) -> list[Migration]:
    """Returns the migrations of this version that were not applied, in their order."""
    try:
        done = {(r["component"], r["name"]) for r in await conn.fetch(_APPLIED)}
    except asyncpg.UndefinedTableError:
        done = set()
    return [m for m in all_migrations(service, folder) if (m.component, m.name) not in done]


async def now_and_missing(url: str, service: str, folder: Path) -> tuple[datetime, list[Migration]]:
    """Returns the database's time and what `missing` returns. Raises OSError if it gives neither."""
    try:
        conn = await open_connection(url)
        try:
            now: datetime = await conn.fetchval("SELECT clock_timestamp()")
            return now, await missing(conn, service, folder)
        finally:
            await conn.close()
    except asyncpg.PostgresError as error:
        raise ConnectionError(str(error)) from error


async def verify(db: Database, service: str, folder: Path) -> None:
    """Raises SchemaBehindError, naming the files, if `pre` migrations of this version are
    missing.
    """
    async with db.connection() as conn:
        lacks = [m.name for m in await missing(conn, service, folder) if m.rollout == "pre"]
    if lacks:
        raise SchemaBehindError(
            f"the database of {service} lacks {', '.join(lacks)}; "
            f"run: python -m services.{service} migrate"
        )
