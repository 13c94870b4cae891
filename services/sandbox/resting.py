"""How a loop sleeps until something in the books is due."""

import asyncio
import time
from contextlib import suppress

LONGEST_SECONDS = 60.0
AFTER_ERROR_SECONDS = 1.0


async def rest_until(due_at: float | None, woken: asyncio.Event) -> None:
    """Until the given time (None: nothing is due) or until the event is set, a minute at most."""
    rest = LONGEST_SECONDS if due_at is None else due_at - time.time()
    with suppress(TimeoutError):
        async with asyncio.timeout(min(max(rest, 0), LONGEST_SECONDS)):
            await woken.wait()
