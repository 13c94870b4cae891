"""Gauges of what only the database knows, such as the age of the oldest waiting row."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from libs.db import Conn, Database
from libs.errors import Refusal
from libs.logs import log

READ_SECONDS: Final = 5.0


async def keep(
    db: Database, read: Callable[[Conn], Awaitable[None]], *, seconds: float = READ_SECONDS
) -> None:
    """Has `read` set the gauges until cancelled; while the database does not answer, they keep
    their values.
    """
    while True:
        try:
            await db.run(read)
        except Refusal as refusal:
            log.warning("gauges were not read", reason=refusal.reason)
        await asyncio.sleep(seconds)
