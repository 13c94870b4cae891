"""A circuit breaker per PSP account: after consecutive failures nothing is sent for a while.

An authorisation that is not sent is a certain no, so another account can take it. Captures, refunds
and look-ups are always sent: no other account can do them.

An account to which no connection could be made is tried last, but it is tried: nothing was sent, so
another try is harmless, and often the cause is a short outage of this process's own network.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import HalfOpenedState, OpenedState

from libs.logs import log
from services.payments.metrics import BREAKER_OPEN
from services.payments.rules.outcomes import DeclineCode, Declined, Outcome, Unknown

FAILURES: Final = 5  # consecutive
PAUSE_SECONDS: Final = 15.0  # then one answer decides


class _PspFailedError(Exception):
    """Makes the breaker count an outcome as a failure."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class Breakers:
    """The breakers of this process; each process learns by itself."""

    def __init__(self, *, failures: int = FAILURES, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._factory = AsyncCircuitBreakerFactory(
            default_threshold=failures,
            default_ttl=pause_seconds,  # declared as an int, but purgatory works with any number
            exclude=[asyncio.CancelledError],
        )
        self._factory.add_listener(self._changed)
        self._names: dict[str, str] = {}
        self._open: dict[str, float] = {}  # until when
        self._unreached: set[str] = set()  # accounts whose last call did not reach the PSP
        self._pause_seconds = pause_seconds

    async def guard(
        self, psp_account_id: str, name: str, call: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        """The outcome of `call`, or Declined(PSP_UNAVAILABLE) without calling."""
        if psp_account_id not in self._names:
            self._names[psp_account_id] = name
            BREAKER_OPEN.labels(name, psp_account_id).set(0)
        breaker = await self._factory.get_breaker(psp_account_id)
        try:
            async with breaker:
                return await self._failing_aloud(psp_account_id, call)
        except _PspFailedError as failed:
            return failed.outcome
        except OpenedState:
            if psp_account_id in self._unreached:
                return await self._once_more(psp_account_id, call)
            return Declined(
                DeclineCode.PSP_UNAVAILABLE, "The PSP account is failing; nothing was sent."
            )

    async def _failing_aloud(
        self, psp_account_id: str, call: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        outcome = await call()
        if is_unreached(outcome):
            self._unreached.add(psp_account_id)
        else:
            self._unreached.discard(psp_account_id)
        if is_failure(outcome):
            raise _PspFailedError(outcome)
        return outcome

    async def _once_more(
        self, psp_account_id: str, call: Callable[[], Awaitable[Outcome]]
    ) -> Outcome:
        """Tries an account whose breaker is open; a good answer closes it."""
        try:
            outcome = await self._failing_aloud(psp_account_id, call)
        except _PspFailedError as failed:
            return failed.outcome
        breaker = await self._factory.get_breaker(psp_account_id)
        if breaker.context.state == OpenedState.name:
            breaker.context.set_state(HalfOpenedState())
            async with breaker:
                pass
        return outcome

    def open_accounts(self) -> frozenset[str]:
        """Ids of the accounts that are currently skipped; one whose pause is over is tried
        again.
        """
        now = time.monotonic()
        return frozenset(account for account, until in self._open.items() if now < until)

    def _changed(self, name: str, event_name: str, event: Any) -> None:
        if event_name != "state_changed":
            return
        is_open = event.state == "opened"
        if is_open:
            self._open[name] = time.monotonic() + self._pause_seconds
        else:
            self._open.pop(name, None)
        BREAKER_OPEN.labels(self._names[name], name).set(is_open)
        log.warning("breaker changed", psp_account_id=name, state=event.state)


def is_failure(outcome: Outcome) -> bool:
    """Whether an outcome means that the PSP is in trouble, and not only this card."""
    return isinstance(outcome, Unknown) or (
        isinstance(outcome, Declined) and outcome.code is DeclineCode.PSP_UNAVAILABLE
    )


def is_unreached(outcome: Outcome) -> bool:
    """Whether nothing was sent; a PSP that refuses to work answers with a code."""
    return (
        isinstance(outcome, Declined)
        and outcome.code is DeclineCode.PSP_UNAVAILABLE
        and not outcome.psp_code
    )
