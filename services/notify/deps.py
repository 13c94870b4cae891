"""The dependencies of the flows, passed in by __main__ and by tests."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from libs.batching import StatementBatcher
from libs.clock import Clock, world_now
from libs.db import Database
from libs.merchants import Merchants
from libs.seal import Seal
from libs.tasks import Tasks
from services.notify.messages.cod_client import CodOrders
from services.notify.messages.instalments_client import Plans
from services.notify.messages.members_client import Members
from services.notify.messages.oneclick_client import Customers
from services.notify.messages.paylink_client import Links
from services.notify.messages.providers.base import Provider
from services.notify.messages.reporting_client import Reports
from services.notify.messages.rules.bounces import ReturnAddresses
from services.notify.messages.rules.domain import Merchant
from services.notify.messages.smtp_client import Mailer
from services.notify.webhooks.guard import Guard
from services.notify.webhooks.receivers_client import Receivers


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    merchants: Merchants[Merchant]
    members: Members
    customers: Customers
    links: Links
    plans: Plans
    cod_orders: CodOrders
    reports: Reports
    mailer: Mailer
    return_addresses: ReturnAddresses
    mail_from: str
    public_url: str  # of the gateway, without trailing slash
    providers: Mapping[str, Provider]  # of text messages, by name
    seal: Seal  # for webhooks' secrets
    guard: Guard  # where webhooks may go
    receivers: Receivers  # of webhooks
    clock: Clock = field(default_factory=Clock)  # the merchant's
    now: Callable[[], datetime] = world_now  # for mail servers, webhooks and backoff
    sending: Tasks = field(default_factory=Tasks)  # attempts in progress, awaited at shutdown
    # Set when this process has written webhooks that are due.
    webhooks_due: asyncio.Event = field(default_factory=asyncio.Event)
    linger_seconds: float = 0.0  # how long an attempt waits for others to share its statements
    batcher: StatementBatcher = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "batcher", StatementBatcher(self.db, linger_seconds=self.linger_seconds)
        )
