"""One-click sessions: their states and the browser's client secret. Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs.money import Money
from services.oneclick.errors import ClientSecretInvalid
from services.oneclick.rules.domain import CaptureMode, ChargeState
from services.oneclick.rules.instruments import Card
from services.oneclick.rules.items import Item

LABEL: Final = "incasso one-click session v1"
SECRET_BYTES: Final = 16
DEFAULT_LIFE: Final = timedelta(minutes=15)
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGITS: Final = 22  # 62 ** 22 > 2 ** 128


class SessionState(Enum):
    OPEN = "open"  # shown as expired after its expiry
    PAYING = "paying"
    PAID = "paid"


class SessionEvent(Enum):
    PAY = "pay"
    SUCCEED = "succeed"
    FAIL = "fail"


SESSION_INITIAL: Final = SessionState.OPEN
SESSION_FINAL: Final = frozenset({SessionState.PAID})
SESSION_TRANSITIONS: Final[Mapping[tuple[SessionState, SessionEvent], SessionState]] = {
    (SessionState.OPEN, SessionEvent.PAY): SessionState.PAYING,
    (SessionState.PAYING, SessionEvent.SUCCEED): SessionState.PAID,
    (SessionState.PAYING, SessionEvent.FAIL): SessionState.OPEN,
}
# The session's state after the outcome of its charge.
AFTER_CHARGE: Final[Mapping[ChargeState, SessionState]] = {
    ChargeState.STARTED: SessionState.PAYING,
    ChargeState.UNDER_WAY: SessionState.PAYING,
    ChargeState.SUCCEEDED: SESSION_TRANSITIONS[SessionState.PAYING, SessionEvent.SUCCEED],
    ChargeState.DECLINED: SESSION_TRANSITIONS[SessionState.PAYING, SessionEvent.FAIL],
    ChargeState.CANCELLED: SESSION_TRANSITIONS[SessionState.PAYING, SessionEvent.FAIL],
    ChargeState.REFUSED: SESSION_TRANSITIONS[SessionState.PAYING, SessionEvent.FAIL],
}


@dataclass(frozen=True, slots=True)
class Session:
    """An order that a browser can pay with one click."""

    id: str
    merchant_id: str
    customer_id: str
    state: SessionState
    secret_hash: bytes
    amount: Money
    capture: CaptureMode
    grace_seconds: int | None
    order_reference: str
    return_url: str
    metadata: Mapping[str, str]
    expires_at: datetime
    created_at: datetime
    items: tuple[Item, ...] = ()
    charge_id: str | None = None
    payment_id: str | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as shown by a browser at `at`: the current items, and the card that a click would
    charge, with its instrument's id. `payment` is a Payment message.
    """

    session: Session
    at: datetime
    items: tuple[Item, ...]
    locale: str | None
    card: tuple[str, Card] | None
    payment: bytes | None = None


def is_expired(session: Session, now: datetime) -> bool:
    """Only an unpaid session expires: a payment in progress is always finished."""
    return session.state is SessionState.OPEN and now >= session.expires_at


def client_secret(session_id: str, proof: bytes) -> str:
    """`ocs_…_secret_…`, with 128 bits of our own proof of the id: derived, never stored."""
    rest, digits = int.from_bytes(proof[:SECRET_BYTES]), []
    for _ in range(_DIGITS):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return f"{session_id}_secret_{''.join(digits)}"


def secret_hash(secret: str) -> bytes:
    """SHA-256; a slow hash would add nothing to 128 unguessable bits."""
    return hashlib.sha256(secret.encode()).digest()


def check_secret(session: Session, secret: str | None, *, needed: bool) -> None:
    """Raises ClientSecretInvalid unless it belongs to this session. `needed`: the caller is a
    browser.
    """
    if not needed:
        return
    if not hmac.compare_digest(secret_hash(secret or ""), session.secret_hash):
        raise ClientSecretInvalid
