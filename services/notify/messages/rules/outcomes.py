"""What came of handing a message over. No answer is not a no: it is Lost."""

from dataclasses import dataclass
from typing import TypeAlias

from services.notify.messages.rules.domain import SuppressionReason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side took it, under its own reference."""

    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """Certainly not taken, for now. `after_seconds`: what the other side asks for."""

    error: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Redirected:
    """Not tried: its recipient is reached by another channel, in which it is tried now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not taken, for good. `bounced`: the address is at fault, not the message."""

    error: str
    bounced: bool = False
    suppression: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """It may have been taken."""

    error: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Not tried: the address is on the list."""


@dataclass(frozen=True, slots=True)
class Obsolete:
    """Not tried: what it is about is over, or there is nobody to tell."""

    error: str


@dataclass(frozen=True, slots=True)
class OverQuota:
    """Not tried: the merchant's plan allows no more this month."""

    error: str


Outcome: TypeAlias = (
    Accepted | Postponed | Redirected | Refused | Lost | Suppressed | Obsolete | OverQuota
)
