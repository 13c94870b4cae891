"""A cache of another service's answers, fresh until an event says otherwise.

Each replica listens for the event itself (`Parts.listeners`) and drops its entry, so that the next reader
asks again. The time to live covers missed events. While the other service does not answer, dropped
entries are still served.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from libs import context
from libs.errors import Refusal

MAX_ENTRIES: Final = 10_000
OUTAGE_SECONDS: Final = 5.0  # pause before asking again after the other service did not answer

T = TypeVar("T")


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    fresh_until: float


class RemoteCache(Generic[T]):
    """Entries by name, e.g. the merchant's id."""

    def __init__(
        self, *, fresh_seconds: float, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._fresh_seconds = fresh_seconds
        self._seconds = seconds
        self._entries: dict[str, _Entry[T]] = {}
        # Counted, so that an answer from before an event is not taken for fresh.
        self._invalidations = 0

    async def get(self, name: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The cached answer, or else what `ask` returns. Raises a Refusal only if there never was
        an answer.
        """
        entry = self._entries.get(name)
        if entry is not None and self._seconds() < entry.fresh_until:
            return entry.value
        try:
            return await self.refresh(name, ask)
        except Refusal:
            if entry is None:
                raise
            entry.fresh_until = self._seconds() + OUTAGE_SECONDS  # spares callers a timeout
            return entry.value

    async def refresh(self, name: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` returns now, cached. Raises what it raises."""
        invalidations = self._invalidations
        value = await ask()
        fresh = invalidations == self._invalidations
        if len(self._entries) >= MAX_ENTRIES and name not in self._entries:
            self._entries.pop(next(iter(self._entries)))
        until = self._seconds() + self._fresh_seconds if fresh else float("-inf")
        self._entries[name] = _Entry(value, until)
        return value

    def invalidate(self, name: str) -> None:
        """Drops an entry that has changed."""
        self._invalidations += 1
        if entry := self._entries.get(name):
            entry.fresh_until = float("-inf")


class MerchantCache(Generic[T]):
    """What `ask` returns for the current call's merchant."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, fresh_seconds: float) -> None:
        self._ask = ask
        self._cache: RemoteCache[T] = RemoteCache(fresh_seconds=fresh_seconds)

    async def get(self) -> T:
        """The last known answer, however old during an outage. Raises a Refusal only for a merchant
        that never had one.
        """
        return await self._cache.get(context.merchant_id(), self._ask)

    async def get_current(self) -> T:
        """The current answer."""
        return await self._cache.refresh(context.merchant_id(), self._ask)

    def invalidate(self, merchant_id: str) -> None:
        """Drops the merchant's entry."""
        self._cache.invalidate(merchant_id)
