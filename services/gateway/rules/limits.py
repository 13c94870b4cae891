"""The limits of plans, and of callers' failures. Times are seconds of any clock."""

from dataclasses import dataclass
from typing import Final

from libs.web.limits import Limiter, Quota

PLAN_BURST_SECONDS: Final = 5


class Plans:
    """The rates of merchants' plans: a bucket per name, of PLAN_BURST_SECONDS at the plan's rate.

    Plans are few, and so are their rates: there is one limiter per rate.
    """

    def __init__(self) -> None:
        self._by_rate: dict[int, Limiter] = {}

    def take(self, name: str, at: float, *, rate: int) -> float:
        """Takes a token: 0.0, or the time to wait if there is none. `rate` 0: no limit."""
        return self._limiter(rate).take(name, at) if rate > 0 else 0.0

    def quota(self, name: str, at: float, *, rate: int) -> Quota | None:
        """The remaining quota; None without a limit."""
        return self._limiter(rate).quota(name, at) if rate > 0 else None

    def _limiter(self, rate: int) -> Limiter:
        limiter = self._by_rate.get(rate)
        if limiter is None:
            limiter = self._by_rate[rate] = Limiter(rate=rate, burst=rate * PLAN_BURST_SECONDS)
        return limiter


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures of callers, a bucket per purpose: guessing keys does not slow down webhooks."""

    keys: Limiter
    returns: Limiter
    pages: Limiter  # tokens of pay pages and slugs of shops
    webhooks: Limiter
    sms: Limiter
    bounces: Limiter

    @classmethod
    def at(cls, *, rate: float, burst: float) -> "Failures":
        return cls(*(Limiter(rate=rate, burst=burst) for _ in cls.__slots__))
