"""Measures the cost of a computation, for tests that bound the cost of the worst input.

It is the thread's CPU time, the minimum of several runs, with the garbage collector off: neither a
busy machine nor leftovers of other tests affect it.
"""

import gc
import time
from collections.abc import Callable
from typing import Any, Final

RUNS: Final = 5


def seconds_of(work: Callable[[], Any], *, enough: float = 0.0) -> float:
    """The minimum of RUNS runs; returns at once after a run that took less than `enough`."""
    least = float("inf")
    collected = gc.isenabled()
    gc.disable()
    try:
        for _ in range(RUNS):
            started = time.thread_time()
            work()
            least = min(least, time.thread_time() - started)
            if least < enough:
                break
    finally:
        if collected:
            gc.enable()
    return least


def assert_quick(work: Callable[[], Any], *, within: float, what: object = "") -> None:
    """`within`: seconds of CPU time."""
    spent = seconds_of(work, enough=within)
    assert spent < within, f"{what} took {spent:.3f} s of CPU time; at most {within} s allowed"
