"""What the flows need, provided by __main__ and by tests."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from libs.clock import Clock
from libs.db import Database
from services.reporting.paylink_client import Links
from services.reporting.payments_client import Psps

READ_AT_ONCE: Final = 2  # files read and loaded at a time per process; others wait on disk


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
    links: Links
    psps: Psps
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READ_AT_ONCE))
