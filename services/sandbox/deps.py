"""What the handlers of one sandbox share."""

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
    # (account, key) of calls that are at work right now.
    running: set[tuple[str, str]] = field(default_factory=set)


DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
