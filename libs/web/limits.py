"""Token buckets: how many requests a key or an address may make. Times are seconds of any clock.

Also counts what is in use: connections, streams.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MAX_BUCKETS: Final = 10_000
MOST_BYTES: Final = 1024 * 1024  # maximum of a request's body, besides files


@dataclass(frozen=True, slots=True)
class Quota:
    """State of a bucket: `most` requests in `window_seconds`, `left` now, full again in
    `full_seconds`.
    """

    most: int
    window_seconds: int
    left: int
    full_seconds: int


class Limiter:
    """One bucket per name: `burst` tokens, refilled at `rate` per second. Bounded in memory."""

    def __init__(self, *, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (tokens, at)

    def wait_seconds(self, name: str, at: float) -> float:
        """Time until there is a token; 0.0 if there is one. Takes none."""
        return max(0.0, (1.0 - self._tokens(name, at)) / self._rate)

    def take(self, name: str, at: float) -> float:
        """Takes a token: 0.0, or the time to wait if there is none."""
        tokens = self._tokens(name, at)
        if tokens < 1.0:
            return (1.0 - tokens) / self._rate
        self._buckets[name] = (tokens - 1.0, at)
        self._buckets.move_to_end(name)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)  # the longest unused one is the fullest
        return 0.0

    def quota(self, name: str, at: float) -> Quota:
        """What is left; takes nothing."""
        tokens = self._tokens(name, at)
        return Quota(
            most=math.floor(self._burst),
            window_seconds=math.ceil(self._burst / self._rate),
            left=math.floor(tokens),
            full_seconds=math.ceil((self._burst - tokens) / self._rate),
        )

    def _tokens(self, name: str, at: float) -> float:
        tokens, since = self._buckets.get(name, (self._burst, at))
        return min(self._burst, tokens + (at - since) * self._rate)


class InUse:
    """The number in use, by name and in total."""

    def __init__(self) -> None:
        self._by_name: dict[str, int] = {}
        self.total = 0

    def by(self, name: str) -> int:
        return self._by_name.get(name, 0)

    def take(self, name: str) -> None:
        self._by_name[name] = self.by(name) + 1
        self.total += 1

    def give_back(self, name: str) -> None:
        self.total -= 1
        self._by_name[name] -= 1
        if not self._by_name[name]:
            del self._by_name[name]
