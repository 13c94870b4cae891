"""`python -m bench.floor.walk ROLE PLACES`: one process of the bare walk of a click.

The same libraries as Incasso, the calls and commits that a click has before its answer, a webhook, an
event and a mail, and nothing else: no keys, tokens, checks, limits, retries, traces, metrics or TLS, and
one PSP that always says yes. It loses money whenever something fails: good for measuring only.
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

# In the order in which they start: payments makes the stream that notify reads.
ROLES: Final[dict[str, Callable[[Places], Awaitable[object]]]] = {
    "world": world,
    "gateway": gateway,
    "oneclick": oneclick,
    "payments": payments,
    "notify": notify,
}


async def main(role: str, places: Places) -> None:
    """Says `ready` on standard output, and works until it is ended."""
    _kept = await ROLES[role](places)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Places(**json.loads(sys.argv[2]))))
