"""How long a session and its tokens work. Pure.

Idle and absolute expiry are those of authenticator assurance level 2 (NIST SP 800-63B-4, 2.2.3).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs.roles import Role

IDLE: Final = timedelta(hours=1)
ABSOLUTE: Final = timedelta(hours=24)
SEEN_EVERY: Final = timedelta(minutes=1)  # page views write at most this often
TOKEN_LIFE: Final = timedelta(minutes=15)  # then a new one is issued
# Lets requests already on their way arrive when the new token is first used. Also how long a new one
# may stay unused before another is issued: the answer with it may have been lost.
OVERLAP: Final = timedelta(minutes=1)
MOST_SESSIONS: Final = 20  # of a person


@dataclass(frozen=True, slots=True)
class Session:
    person_id: str
    id: str
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ends_at: datetime
    reauthenticated_at: datetime
    merchant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    email: str
    name: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class Membership:
    merchant_id: str
    merchant_name: str
    test: bool
    member_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Origin:
    """Where somebody signs in from."""

    user_agent: str
    address: str
