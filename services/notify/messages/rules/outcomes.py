"""Outcomes of handing a message over. No answer is not a no: it is Lost."""

from dataclasses import dataclass
from typing import TypeAlias

from services.notify.messages.rules.domain import SuppressionReason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side accepted it, under its own reference."""

    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Postponed:
    """Certainly not accepted, for now. `after_seconds`: requested by the other side."""

    error: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Redirected:
    """Not tried: its recipient is reached by another channel, which tries it now."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly not accepted, permanently. `bounced`: the address is the cause, not the message."""

    error: str
    bounced: bool = False
    suppression: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """It may have been accepted."""

    error: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Not tried: the address is suppressed."""


@dataclass(frozen=True, slots=True)
class Obsolete:
    """Not tried: it has become pointless, or there is nobody to notify."""

    error: str


@dataclass(frozen=True, slots=True)
class OverQuota:
    """Not tried: the merchant's plan allows no more this month."""

    error: str


Outcome: TypeAlias = (
    Accepted | Postponed | Redirected | Refused | Lost | Suppressed | Obsolete | OverQuota
)
