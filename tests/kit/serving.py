"""A service and its played neighbours in this process, started once for the tests of a module.

A test has a merchant of its own, and doubles that know nothing of the test before it.
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
    """A channel to them; `tasks` are the work of their calls."""
    server = Server(servicers, names, tasks)
    channel = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    yield channel
    await channel.close()
    await server.stop(1)


def begin_anew(*doubles: Any) -> None:
    """As if they had just been made."""
    for double in doubles:
        vars(double).clear()
        double.__init__()
