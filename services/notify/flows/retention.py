"""Forget what is old: in small transactions, so that nobody waits for them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from libs.db import Conn
from services.notify import retention
from services.notify.deps import Deps
from services.notify.store import retention as store

BATCH: Final = 1000

# In this order: an event goes when its deliveries have gone.
_RULES: Final[tuple[tuple[Callable[[Conn, timedelta, int], Awaitable[int]], timedelta], ...]] = (
    (store.delete_deliveries, retention.EVENTS),
    (store.delete_events, retention.EVENTS),
    (store.erase_recipients, retention.RECIPIENTS),
    (store.delete_notices, retention.NOTICES),
)


async def forget(deps: Deps, *, batch: int = BATCH) -> int:
    """All that is old now; answers how many rows. Raises Refusal when the database is away."""
    forgotten = 0
    for take, age in _RULES:
        while True:
            async with deps.db.transaction() as conn:
                taken = await take(conn, age, batch)
            forgotten += taken
            if taken < batch:
                break
    return forgotten
