"""Wakes all callers that wait for a link to change, with one LISTEN connection per process.

PostgreSQL notifies every replica, so it does not matter which one made the change.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from libs.db import Database
from libs.errors import ServiceUnavailable
from libs.logs import log

CHECK_SECONDS: Final = 5.0  # a dead connection is noticed within this time


class LinkListener:
    """`run` listens until cancelled; while it cannot, waiting callers are woken now and then."""

    def __init__(self, db: Database, channel: str) -> None:
        self._db = db
        self._channel = channel
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watch(self, link_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the link may have changed. Read the link after this."""
        event = asyncio.Event()
        self._waiting[link_id].add(event)
        try:
            yield event
        finally:
            self._waiting[link_id].discard(event)
            if not self._waiting[link_id]:
                del self._waiting[link_id]

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except (ServiceUnavailable, TimeoutError) as error:
                log.warning("listening for changes starts again", error=repr(error))
                self._wake_all()
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        async with self._db.connection() as conn:
            await conn.raw.add_listener(self._channel, self._heard)
            self._wake_all()  # changes before this went unnoticed
            try:
                while True:
                    await asyncio.sleep(CHECK_SECONDS)
                    await conn.fetchval("SELECT 1")
            finally:
                if not conn.raw.is_closed():
                    await conn.raw.reset()  # drops the listener

    def _heard(self, _conn: object, _pid: int, _channel: str, payload: object) -> None:
        for event in self._waiting.get(str(payload), ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._waiting.values():
            for event in events:
                event.set()
