"""Progress of a file's import, visible while it runs: written outside the import's transaction."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from libs import context
from libs.db import Database
from libs.errors import required
from services.reporting.deps import Deps
from services.reporting.errors import ImportNotFound
from services.reporting.rules.imports import ImportProgress
from services.reporting.store import imports, imports_under_way

PAUSE_SECONDS: Final = 1.0  # between writes


class Watch:
    """Reports the progress of one import."""

    def __init__(self, db: Database, merchant_id: str, content_hash: str) -> None:
        self._db = db
        self._of = (merchant_id, content_hash)
        self._entries = 0
        self._written = 0.0

    async def read(self, entries: int) -> None:
        """The file was read and has this number of entries."""
        self._entries = entries
        await self._write(0)

    async def staged(self, count: int) -> None:
        """`count`: the number of lines staged so far."""
        if time.monotonic() - self._written >= PAUSE_SECONDS:
            await self._write(count)

    async def all_staged(self, count: int) -> None:
        """All lines are staged; one statement now processes them together."""
        await self._write(max(count, self._entries))

    async def _write(self, staged: int) -> None:
        async with self._db.connection() as conn:
            await imports_under_way.move(conn, *self._of, entries=self._entries, staged=staged)
        self._written = time.monotonic()


@asynccontextmanager
async def watched(db: Database, content_hash: str) -> AsyncIterator[Watch]:
    """A killed process leaves its row behind; an old `seen_at` shows that the import was interrupted."""
    merchant_id = context.merchant_id()
    await db.run(imports_under_way.begin, merchant_id, content_hash)
    try:
        yield Watch(db, merchant_id, content_hash)
    finally:
        await db.run(imports_under_way.end, merchant_id, content_hash)


async def get_import_progress(deps: Deps, content_hash: str) -> ImportProgress:
    """Raises ImportNotFound."""
    merchant_id = context.merchant_id()
    async with deps.db.snapshot() as conn:
        under_way = await imports_under_way.get(conn, merchant_id, content_hash)
        ended = await imports.of_content(conn, merchant_id, content_hash)
    if under_way is not None:
        return under_way
    return ImportProgress(import_id=required(ended, ImportNotFound).id)
