"""Waits at startup for what is still being prepared: the database, its roles, its migrations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from libs import db, schema
from libs.logs import log
from libs.tasks import happens

PAUSE_SECONDS: Final = 1.0
TRY_SECONDS: Final = 30.0  # an attempt that a NetworkPolicy drops would take minutes
REPEAT_SECONDS: Final = 30.0  # until the same reason is logged again

NOT_YET: Final = (*db.NOT_YET, schema.SchemaBehindError)

T = TypeVar("T")


async def wait_for(
    prepare: Callable[[], Awaitable[T]],
    *,
    name: str,
    seconds: float,
    stopping: asyncio.Event,
    pause: float = PAUSE_SECONDS,
) -> T:
    """Repeats `prepare` until it succeeds, and returns its result. Raises its error after
    `seconds`, or when the process is asked to stop.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + seconds
    logged, log_again_at = "", 0.0
    while True:
        try:
            async with asyncio.timeout(TRY_SECONDS):
                return await prepare()
        except NOT_YET as error:
            now = loop.time()
            if now >= give_up_at or stopping.is_set():
                raise
            reason = str(error) or type(error).__name__
            if reason != logged or now >= log_again_at:
                log.warning("waiting to start", name=name, error=reason)
                logged, log_again_at = reason, now + REPEAT_SECONDS
        await happens(stopping, pause)
