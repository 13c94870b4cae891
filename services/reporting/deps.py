"""What the flows need, provided by __main__ and by tests."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from libs.clock import Clock
from libs.db import Database
from libs.merchants import Merchants
from services.reporting.paylink_client import Links
from services.reporting.payments_client import Psps
from services.reporting.rules.surveys import ShownMerchant

READ_AT_ONCE: Final = 2  # files read and loaded at once per process; others wait on disk


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
    links: Links
    psps: Psps
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READ_AT_ONCE))


@dataclass(frozen=True, slots=True)
class SurveyDeps:
    """What the survey flows need. `zone_of`: see flows/ingesting.py."""

    db: Database
    clock: Clock
    merchants: Merchants[ShownMerchant]
    zone_of: Callable[[str], Awaitable[str]]
