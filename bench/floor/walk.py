"""`python -m bench.floor.walk ROLE PLACES`: one process of the bare walk of a one-click payment.

It uses Incasso's libraries, makes the calls and commits that precede the answer, handles a webhook, an
event and a mail, and does nothing else: no keys, tokens, checks, limits, retries, traces, metrics or
TLS, and one PSP that always approves. Any failure loses money, so it is good for measuring only.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import uvloop

from bench.floor.gateway import gateway
from bench.floor.notify import notify
from bench.floor.oneclick import oneclick
from bench.floor.payments import payments
from bench.floor.places import Places
from bench.floor.world import world

# In start order: payments creates the stream that notify reads.
ROLES: Final[dict[str, Callable[[Places], Awaitable[object]]]] = {
    "world": world,
    "gateway": gateway,
    "oneclick": oneclick,
    "payments": payments,
    "notify": notify,
}


async def main(role: str, places: Places) -> None:
    """Prints `ready` on standard output and serves until it is terminated."""
    _kept = await ROLES[role](places)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Places(**json.loads(sys.argv[2]))))
