"""Measures how late this process's event loop runs: code that holds the loop delays every other call.

`incasso_loop_lag_seconds` is how late a timer fired, `incasso_loop_held_seconds` the CPU time
of the loop's thread meanwhile. If both are high, our own code held the loop. If only lag is high, the
loop was blocked, or the machine had no CPU to spare. Each is the worst of the last one to two
WINDOW_SECONDS, so that no scrape misses it. A nearly idle loop is measured less often, so that an idle
process stays idle; if it is then held up briefly, the first time may be missed.
"""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import Gauge

from libs.logs import log

TICK_SECONDS: Final = 0.05
IDLE_TICK_SECONDS: Final = 0.25
IDLE: Final = 0.05  # share of a CPU below which the loop counts as idle
WINDOW_SECONDS: Final = 15.0
ALARM_SECONDS: Final = 0.1

LAG = Gauge("incasso_loop_lag_seconds", "Worst recent delay of the event loop")
HELD = Gauge(
    "incasso_loop_held_seconds", "Highest recent CPU time between two turns of the event loop"
)


def settle() -> None:
    """Called when a process is set up: long-lived objects are exempt from garbage collection from
    then on.

    There are some hundred thousand of them: collecting them blocked the loop for a tenth of a
    second.
    """
    gc.collect()
    gc.freeze()


_unswept = 0


@contextmanager
def unswept() -> Iterator[None]:
    """Turns the garbage collector off for work that builds several hundred thousand objects and keeps them: each
    pass over all of them blocks the loop, and together they take a fifth of the time. Reference counting still
    frees objects outside cycles.
    """
    global _unswept  # noqa: PLW0603 - a process has one collector
    _unswept += 1
    gc.disable()
    try:
        yield
    finally:
        _unswept -= 1
        if not _unswept:
            gc.enable()


@dataclass(slots=True)
class Worst:
    """The worst value of a window."""

    late: float = 0.0
    held: float = 0.0

    def add(self, late: float, held: float) -> None:
        self.late = max(self.late, late)
        self.held = max(self.held, held)

    @property
    def cause(self) -> str:
        """Why the loop was late, in words."""
        return "it computed" if self.held > ALARM_SECONDS else "it blocked or had no processor"


class Meter:
    """Measures the running loop. `run` ends only when cancelled."""

    def __init__(self, *, window_seconds: float = WINDOW_SECONDS) -> None:
        self._window = window_seconds
        self._before = Worst()
        self.worst = Worst()
        LAG.set_function(lambda: max(self._before.late, self.worst.late))
        HELD.set_function(lambda: max(self._before.held, self.worst.held))

    async def run(self) -> None:
        self._expect(TICK_SECONDS)
        try:
            while True:
                await asyncio.sleep(self._window)
                self._turn()
        finally:
            self._timer.cancel()

    def _expect(self, seconds: float) -> None:
        """A bare timer: a sleeping task would cost an idle process half as much again."""
        self._tick, self._due = seconds, time.monotonic() + seconds
        self._used = time.thread_time()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._measure)

    def _measure(self) -> None:
        held = time.thread_time() - self._used
        self.worst.add(max(time.monotonic() - self._due, 0.0), held)
        self._expect(IDLE_TICK_SECONDS if held < IDLE * self._tick else TICK_SECONDS)

    def _turn(self) -> None:
        if self.worst.late > ALARM_SECONDS:
            log.warning(
                "the event loop was late",
                seconds=round(self.worst.late, 3),
                reason=self.worst.cause,
            )
        self._before, self.worst = self.worst, Worst()
