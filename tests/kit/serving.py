"""Serves a service and its doubles in this process, started once for a module's tests.

Each test has its own merchant, and doubles without state from the previous test.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc

from libs import client
from libs.server import Server
from libs.tasks import Tasks

Servicers = Sequence[tuple[Callable[[Any, grpc.aio.Server], None], object]]


@asynccontextmanager
async def serving(
    servicers: Servicers, names: Sequence[str], tasks: Tasks
) -> AsyncIterator[grpc.aio.Channel]:
    """Yields a channel to the servicers; `tasks` runs the work of their calls."""
    server = Server(servicers, names, tasks)
    channel = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    yield channel
    await channel.close()
    await server.stop(1)


def begin_anew(*doubles: Any) -> None:
    """Resets the doubles to their initial state."""
    for double in doubles:
        vars(double).clear()
        double.__init__()
