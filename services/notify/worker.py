"""The other doors of messages: events that people are told of, and messages that are due."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from libs.bus import Event
from libs.consumer import Handler
from libs.db import Conn
from libs.process import Loop
from services.notify.deps import Deps


def merged(*readers: Mapping[str, Handler]) -> dict[str, Handler]:
    """One handler per subject that runs each reader's, in their order, in one transaction."""
    lists: dict[str, list[Handler]] = defaultdict(list)
    for reader in readers:
        for subject, handler in reader.items():
            lists[subject].append(handler)
    return {subject: _in_turn(handlers) for subject, handlers in lists.items()}


def _in_turn(handlers: Sequence[Handler]) -> Handler:
    async def handle(conn: Conn, event: Event) -> None:
        for handler in handlers:
            await handler(conn, event)

    return handle


def handlers(deps: Deps) -> dict[str, Handler]:
    """What is done with each event, by subject."""
    return {}


def loops(deps: Deps) -> Sequence[Loop]:
    """What runs until the process stops."""
    return []
