"""What one merchant may use of this process, so that its flood only affects itself.

Limits requests per second, concurrent calls (`call_slots.py`), and refusals per second. Servers and
browsers are counted separately, since anyone can copy a publishable key from a page; a browser's
address has its own limit too.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Final

from libs.web.errors import TooManyRequests
from libs.web.limits import Limiter, Quota
from services.gateway.authentication import Identity
from services.gateway.call_slots import CallSlots, Files
from services.gateway.errors import PlanRateExceeded
from services.gateway.rules.limits import Plans

REFUSALS_PER_SECOND: Final = 50.0  # per caller; any further ones are delayed longer
LONGER: Final = 4.0  # multiplies the delay
POLICY_HEADER: Final = "RateLimit-Policy"
QUOTA_HEADER: Final = "RateLimit"


class Fairness:
    """The limits of one merchant; `by_browser` is per address."""

    def __init__(
        self,
        *,
        by_merchant: Limiter,
        by_browser: Limiter,
        slots: CallSlots,
        files: Files,
        slow_down_seconds: float,
    ) -> None:
        self._by_merchant = by_merchant
        self._by_browser = by_browser
        self._plans = Plans()
        self._slots = slots
        self._files = files
        self._slow_down_seconds = slow_down_seconds
        self._refusals = Limiter(rate=REFUSALS_PER_SECOND, burst=REFUSALS_PER_SECOND)

    def admit(self, caller: Identity, address: str) -> None:
        """Raises TooManyRequests; PlanRateExceeded, a subclass, if the plan allows no more."""
        at = time.monotonic()
        if caller.publishable and (wait := self._by_browser.take(address, at)):
            raise TooManyRequests(wait)
        if wait := self._by_merchant.take(_name(caller), at):
            raise TooManyRequests(wait)
        if wait := self._plans.take(_name(caller), at, rate=caller.requests_per_second):
            raise PlanRateExceeded.of(wait, plan=caller.plan, rate=caller.requests_per_second)

    def quota_headers(self, caller: Identity, address: str) -> dict[str, str]:
        """Headers (IETF draft RateLimit) that state the caller's limit and the remaining quota."""
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

    async def slow_down(self, caller: Identity | None) -> None:
        """Delays a rate-limit refusal, so that clients that ignore Retry-After wait as well."""
        await asyncio.sleep(self.hold_seconds(caller))

    def hold_seconds(self, caller: Identity | None) -> float:
        """With a jitter of ±50%, so that a flood's connections do not all come back at once."""
        give_or_take = random.uniform(0.5, 1.5)  # noqa: S311 - nothing secret
        too_many = caller is not None and self._refusals.take(_name(caller), time.monotonic()) > 0.0
        return self._slow_down_seconds * give_or_take * (LONGER if too_many else 1.0)

    def slot(self, caller: Identity, *, reads_only: bool) -> AbstractAsyncContextManager[None]:
        """Held while a call is in progress. Raises TooManyAtOnce."""
        return self._slots.held(caller.merchant_id, browser=caller.publishable, reads=reads_only)

    def file(self, caller: Identity) -> AbstractContextManager[None]:
        """Held while a file is sent. Raises TooManyAtOnce."""
        return self._files.held(caller.merchant_id)


def _name(caller: Identity) -> str:
    return f"{caller.merchant_id} {'browsers' if caller.publishable else 'servers'}"
