"""What the flows of webhooks work with, handed to them by __main__ and by tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from libs.clock import Clock
from libs.db import Database
from libs.seal import Seal
from services.notify.addresses import Guard


def world_now() -> datetime:
    """The world's time: webhooks are not carried by a merchant's test clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WebhookDeps:
    db: Database
    seal: Seal
    guard: Guard = field(default_factory=Guard)
    clock: Clock = field(default_factory=Clock)  # the merchant's
    now: Callable[[], datetime] = world_now
