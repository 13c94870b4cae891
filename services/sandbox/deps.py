"""Shared by the handlers of one sandbox."""

import asyncio
import sqlite3
from dataclasses import dataclass, field

from aiohttp import web

from services.sandbox.books.accounts import Account
from services.sandbox.config import Config
from services.sandbox.faults import Faults
from services.sandbox.metrics import Metrics
from services.sandbox.traces import Traces
from services.sandbox.webhooks import Sender


@dataclass(slots=True)
class Deps:
    config: Config
    conn: sqlite3.Connection
    faults: Faults
    sender: Sender
    traces: Traces
    metrics: Metrics
    # The rows of the accounts table, shared with the sender.
    accounts: dict[str, Account]
    # Where the inbox takes mail, once its server runs.
    smtp_port: int | None = None
    # (account, key) of calls in progress.
    running: set[tuple[str, str]] = field(default_factory=set)
    # Set when a pending charge is booked, which is approved automatically later.
    pending: asyncio.Event = field(default_factory=asyncio.Event)
    # Set when a report about a message is stored.
    noticed: asyncio.Event = field(default_factory=asyncio.Event)
    # Background loops: due charges, reports about messages.
    loops: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def stopped(self) -> str | None:
        """Loops that should be running and are not."""
        if not self.sender.alive:
            return "webhook sender stopped"
        dead = [task.get_name() for task in self.loops if task.done()]
        return f"{', '.join(dead)} stopped" if dead else None


DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
