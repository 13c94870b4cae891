"""What one merchant may take of this process, so that its flood is its own trouble only.

Requests a second, and calls under way at once: what is beyond waits for a moment, in line, and is
refused then. A server's reads take milliseconds, so that few places are many calls a second; its
changes wait for PSPs and need more. Servers and browsers are counted apart, since anybody may call
with a key that stands in a page; a browser's address has a limit of its own too.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from services.gateway.authentication import Identity
from services.gateway.errors import PlanRateExceeded, TooManyAtOnce, TooManyRequests
from services.gateway.limits import Limiter, Plans, Quota

WAIT_SECONDS: Final = 1.0  # for a place; then it is refused
MAX_WAITING: Final = 64  # for the places of one kind of a merchant
POLICY_HEADER: Final = "RateLimit-Policy"
QUOTA_HEADER: Final = "RateLimit"


@dataclass(slots=True)
class _Places:
    free: asyncio.Semaphore
    users: int = 0


class Fairness:
    """`reads_at_once` of one merchant's servers, `calls_at_once` of everything else of it."""

    def __init__(
        self,
        *,
        by_merchant: Limiter,
        by_browser: Limiter,
        reads_at_once: int,
        calls_at_once: int,
        slow_down_seconds: float,
    ) -> None:
        self._by_merchant = by_merchant
        self._by_browser = by_browser
        self._plans = Plans()
        self._reads_at_once = reads_at_once
        self._calls_at_once = calls_at_once
        self._slow_down_seconds = slow_down_seconds
        self._places: dict[str, _Places] = {}

    def admit(self, caller: Identity, address: str) -> None:
        """Raises TooManyRequests; PlanRateExceeded, which is one, when the plan allows no more."""
        at = time.monotonic()
        if caller.publishable and (wait := self._by_browser.take(address, at)):
            raise TooManyRequests(wait)
        if wait := self._by_merchant.take(_name(caller), at):
            raise TooManyRequests(wait)
        if wait := self._plans.take(_name(caller), at, rate=caller.requests_per_second):
            raise PlanRateExceeded.of(wait, plan=caller.plan, rate=caller.requests_per_second)

    def told(self, caller: Identity, address: str) -> dict[str, str]:
        """Headers (IETF draft RateLimit) that say what the caller may ask for, and has left."""
        quotas = dict(self._quotas(caller, address))
        return {
            POLICY_HEADER: ", ".join(
                f'"{name}";q={quota.most};w={quota.window_seconds}'
                for name, quota in quotas.items()
            ),
            QUOTA_HEADER: ", ".join(
                f'"{name}";r={quota.left};t={quota.full_seconds}' for name, quota in quotas.items()
            ),
        }

    def _quotas(self, caller: Identity, address: str) -> Iterator[tuple[str, Quota]]:
        at, name = time.monotonic(), _name(caller)
        if caller.publishable:
            yield "address", self._by_browser.quota(address, at)
        yield "merchant", self._by_merchant.quota(name, at)
        if plan := self._plans.quota(name, at, rate=caller.requests_per_second):
            yield "plan", plan

    async def slow_down(self) -> None:
        """Before a refusal for haste is told: whoever does not wait is made to.

        Give or take half, so that a flood's connections do not come again all at once.
        """
        give_or_take = random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret
        await asyncio.sleep(self._slow_down_seconds * give_or_take)

    @asynccontextmanager
    async def place(self, caller: Identity, *, reads_only: bool) -> AsyncIterator[None]:
        """Held while a call is under way. Raises TooManyAtOnce."""
        small = reads_only and not caller.publishable
        name = f"{_name(caller)} {'reads' if small else 'calls'}"
        most = self._reads_at_once if small else self._calls_at_once
        places = self._places.setdefault(name, _Places(asyncio.Semaphore(most)))
        if places.users >= most + MAX_WAITING:
            raise TooManyAtOnce
        places.users += 1
        try:
            await _take(places.free)
            try:
                yield
            finally:
                places.free.release()
        finally:
            places.users -= 1
            if not places.users:
                del self._places[name]


def _name(caller: Identity) -> str:
    return f"{caller.merchant_id} {'browsers' if caller.publishable else 'servers'}"


async def _take(free: asyncio.Semaphore) -> None:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await free.acquire()
    except TimeoutError:
        raise TooManyAtOnce from None
