"""Finds exceptions that are no longer needed but stay alive because they reference their own frames."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def _raised() -> list[str]:
    found = (thing for thing in gc.get_objects() if isinstance(thing, BaseException))
    return [repr(error) for error in found if error.__traceback__ is not None]


@contextmanager
def uncollected() -> Iterator[Callable[[], list[str]]]:
    """Turns the garbage collector off; yields a function that lists the exceptions raised since then
    that are still alive.

    Existing objects are frozen, so that neither the collector nor the search has to traverse them
    again.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield _raised
    finally:
        gc.enable()
