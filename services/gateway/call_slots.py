"""Slots for a merchant's calls in progress, so that one merchant's queue does not delay the others.

A call without a slot waits briefly, then is refused. A server's reads have few slots, since each
takes milliseconds, and only one while another merchant has a call in progress; if more reads are
queued, that slot pauses after a call for three times as long as the call took. So a burst takes
longer while others are active, and a flood gets a quarter of a single reader's throughput.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from libs.web.limits import InUse
from services.gateway.errors import TooManyAtOnce

WAIT_SECONDS: Final = 2.0  # then a call without a slot is refused
MAX_WAITING: Final = 64  # per queue
REST: Final = 3.0  # multiple of the call's duration
MAX_REST_SECONDS: Final = 0.25


class CallSlots:
    """Per merchant: `reads` slots for its servers' reads, `calls` for their changes, and as many
    again for its browsers.
    """

    def __init__(self, *, reads: int, calls: int) -> None:
        self._reads = reads
        self._calls = calls
        self._lines: dict[str, _Queue] = {}
        self._under_way: Counter[str] = Counter()  # by merchant

    @asynccontextmanager
    async def held(self, merchant_id: str, *, browser: bool, reads: bool) -> AsyncIterator[None]:
        """Held while a call is in progress. Raises TooManyAtOnce."""
        shrinks = reads and not browser
        name = f"{merchant_id} {'browsers' if browser else 'reads' if reads else 'changes'}"
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Queue(
                lambda: self._reads_of(merchant_id) if shrinks else self._calls
            )
        try:
            await line.take()
        finally:
            self._forget(name)
        self._under_way[merchant_id] += 1
        started = time.monotonic()
        try:
            yield
        finally:
            self._leave(merchant_id)
            if shrinks and line.waiting and not self._is_alone(merchant_id):
                rest = min(REST * (time.monotonic() - started), MAX_REST_SECONDS)
                asyncio.get_running_loop().call_later(rest, self._give_back, name)
            else:
                self._give_back(name)

    def _give_back(self, name: str) -> None:
        self._lines[name].give_back()
        self._forget(name)

    def _forget(self, name: str) -> None:
        line = self._lines.get(name)  # None if another caller has already removed it
        if line is not None and line.is_empty:
            del self._lines[name]

    def _is_alone(self, merchant_id: str) -> bool:
        return len(self._under_way) == (merchant_id in self._under_way)

    def _reads_of(self, merchant_id: str) -> int:
        return self._reads if self._is_alone(merchant_id) else 1

    def _leave(self, merchant_id: str) -> None:
        self._under_way[merchant_id] -= 1
        if not self._under_way[merchant_id]:
            del self._under_way[merchant_id]
            if len(self._under_way) <= 1:  # a merchant that is now alone has more slots
                for line in self._lines.values():
                    line.move_up()


class Files:
    """Files in transfer: at most `each` per merchant, `total` in all."""

    def __init__(self, *, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._in_use = InUse()

    @contextmanager
    def held(self, merchant_id: str) -> Iterator[None]:
        """Held while a file is sent. Raises TooManyAtOnce."""
        if self._in_use.by(merchant_id) >= self._each or self._in_use.total >= self._total:
            raise TooManyAtOnce
        self._in_use.take(merchant_id)
        try:
            yield
        finally:
            self._in_use.give_back(merchant_id)


class _Queue:
    """`most` returns the current number of slots."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._taken = 0
        self.waiting: deque[asyncio.Future[None]] = deque()

    @property
    def is_empty(self) -> bool:
        return not self._taken and not self.waiting

    async def take(self) -> None:
        """Raises TooManyAtOnce."""
        if not self.waiting and self._taken < self._most():
            self._taken += 1
            return
        if len(self.waiting) >= MAX_WAITING:
            raise TooManyAtOnce
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():  # the slot came just before the timeout
                self.give_back()
            with suppress(ValueError):
                self.waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise TooManyAtOnce from None
            raise

    def give_back(self) -> None:
        self._taken -= 1
        self.move_up()

    def move_up(self) -> None:
        while self.waiting and self._taken < self._most():
            turn = self.waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
