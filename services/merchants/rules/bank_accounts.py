"""Changes of the account for transfers: the owner is notified, and they take effect after a delay
unless cancelled.

Otherwise, a stolen key would be enough to silently redirect every transfer. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

DELAY: Final = timedelta(hours=48)


class ChangeState(StrEnum):
    PENDING = "pending"
    EFFECTIVE = "effective"
    CANCELLED = "cancelled"
    REPLACED = "replaced"


class ChangeEvent(StrEnum):
    TAKE_EFFECT = "take_effect"
    CANCEL = "cancel"
    REPLACE = "replace"  # by another change


CHANGE_TRANSITIONS: Final[Mapping[tuple[ChangeState, ChangeEvent], ChangeState]] = MappingProxyType(
    {
        (ChangeState.PENDING, ChangeEvent.TAKE_EFFECT): ChangeState.EFFECTIVE,
        (ChangeState.PENDING, ChangeEvent.CANCEL): ChangeState.CANCELLED,
        (ChangeState.PENDING, ChangeEvent.REPLACE): ChangeState.REPLACED,
    }
)
CHANGE_INITIAL: Final = ChangeState.PENDING
CHANGE_FINAL: Final = frozenset(ChangeState) - {CHANGE_INITIAL}


@dataclass(frozen=True, slots=True)
class BankAccount:
    """A merchant's account for bank transfers. `holder` is the exact name that banks verify."""

    holder: str
    iban: str
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class BankAccountChange:
    """Times are by the merchant's clock."""

    id: str
    merchant_id: str
    account: BankAccount
    requested_by: str
    requested_at: datetime
    effective_at: datetime
    state: ChangeState = CHANGE_INITIAL
    ended_by: str | None = None
    ended_at: datetime | None = None


def effective_at(current: BankAccount | None, now: datetime) -> datetime:
    """When an account requested now takes effect: the first one at once."""
    return now if current is None else now + DELAY


def end(
    change: BankAccountChange, event: ChangeEvent, *, by: str, now: datetime
) -> BankAccountChange:
    """The change after an event."""
    state = CHANGE_TRANSITIONS[change.state, event]
    return replace(change, state=state, ended_by=by, ended_at=now)
