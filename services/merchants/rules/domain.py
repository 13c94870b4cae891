"""Rules of merchants and API keys: what a key may do and how it ends.

Keys follow real time, not a test clock: advancing a clock must lock nobody out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from libs import time_zones
from libs.errors import invalid
from libs.sellers import Seller
from services.merchants.errors import (
    ApiKeyRevoked,
    NotATestMerchant,
    QuotaExceeded,
    RevokedApiKeyNotRotatable,
    ScopeNotHeld,
    ScopeUnknown,
)
from services.merchants.rules.bank_accounts import BankAccount, BankAccountChange
from services.merchants.rules.sellers import seller_of

ALL_SCOPES: Final = "*"
DEFAULT_PLAN: Final = "basic"
KEYS_QUOTA: Final = "active_api_keys"
REQUESTS_QUOTA: Final = "requests_per_second"
DEFAULT_OVERLAP: Final = timedelta(hours=1)
NO_OFFSET: Final = timedelta()
MAX_CLOCK_OFFSET: Final = timedelta(days=36525)  # a century: enough for any plan, and a valid date


class Kind(StrEnum):
    SECRET = "secret"  # noqa: S105 - the name of a kind
    PUBLISHABLE = "publishable"


class State(StrEnum):
    ACTIVE = "active"
    EXPIRING = "expiring"
    REVOKED = "revoked"


class Event(StrEnum):
    ROTATE = "rotate"  # a new key replaces it; the old one works for a while
    EXPIRE = "expire"  # the overlap has ended
    REVOKE = "revoke"


TRANSITIONS: Final = MappingProxyType(
    {
        (State.ACTIVE, Event.ROTATE): State.EXPIRING,
        (State.ACTIVE, Event.REVOKE): State.REVOKED,
        (State.EXPIRING, Event.ROTATE): State.EXPIRING,
        (State.EXPIRING, Event.EXPIRE): State.REVOKED,
        (State.EXPIRING, Event.REVOKE): State.REVOKED,
    }
)
INITIAL: Final = State.ACTIVE
FINAL: Final = frozenset({State.REVOKED})


@dataclass(frozen=True, slots=True)
class Branding:
    logo_url: str | None = None
    primary_colour: str | None = None
    reply_to: str | None = None
    website_url: str | None = None
    logo_id: str | None = None  # of the stored logo


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    country: str
    default_currency: str
    locale: str
    test: bool
    plan: str
    branding: Branding
    clock_offset: timedelta
    created_at: datetime
    bank_account: BankAccount | None = None  # in force
    pending_bank_account: BankAccountChange | None = None
    contact_email: str | None = None  # of the owner; set by operators
    time_zone: str = time_zones.UTC  # in which its days begin and end; never changes
    quotas: Mapping[str, int] = field(default_factory=dict)  # of the plan; no entry: no limit
    seller: Seller = field(default_factory=Seller)  # its legal data


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored: without its secret."""

    id: str
    merchant_id: str
    kind: Kind
    state: State
    name: str
    scopes: tuple[str, ...]
    last4: str
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a key, and what the gateway needs to know about its merchant."""

    key: ApiKey
    clock_offset: timedelta
    plan: str
    requests_per_second: int  # 0: no limit


@dataclass(frozen=True, slots=True)
class MerchantChange:
    """None: no change."""

    name: str | None = None
    locale: str | None = None
    branding: Branding | None = None
    seller: Seller | None = None


def default_locale(country: str) -> str:
    """Default language of a merchant."""
    return "it" if country in {"IT", "SM", "VA"} else "en"


def change_merchant(merchant: Merchant, change: MerchantChange) -> Merchant:
    """Absent fields stay; branding is replaced as a whole, except for the stored logo, and so is the
    seller. Raises InvalidArgument.
    """
    branding = change.branding or merchant.branding
    return replace(
        merchant,
        name=merchant.name if change.name is None else change.name,
        locale=change.locale or merchant.locale,
        branding=replace(branding, logo_id=merchant.branding.logo_id),
        seller=seller_of(change.seller, merchant.country) if change.seller else merchant.seller,
    )


def change_logo(merchant: Merchant, logo_id: str | None) -> Merchant:
    """The merchant with another logo, or none."""
    return replace(merchant, branding=replace(merchant.branding, logo_id=logo_id))


def check_plan(plan: str, known: Collection[str]) -> None:
    """Raises InvalidArgument that lists the existing plans."""
    if plan not in known:
        raise invalid("plan", f"must be one of: {', '.join(sorted(known))}")


def grant(
    kind: Kind, wanted: Collection[str], *, known: Collection[str], held: Collection[str]
) -> tuple[str, ...]:
    """The scopes of a new key, sorted. A publishable key has none.

    `known`: all existing scopes; `held`: those of the caller. Raises InvalidArgument (none wanted),
    ScopeUnknown, ScopeNotHeld.
    """
    if kind is Kind.PUBLISHABLE:
        return ()
    if not wanted:
        raise invalid("scopes", 'must name at least one scope for a secret key; "*" is everything')
    if unknown := sorted(set(wanted) - {*known, ALL_SCOPES}):
        raise ScopeUnknown(
            f"{_quoted(unknown)} is not a scope. There are: {', '.join(sorted(known))} and *."
        )
    check_held(wanted, held)
    return (ALL_SCOPES,) if ALL_SCOPES in wanted else tuple(sorted(set(wanted)))


def check_held(wanted: Collection[str], held: Collection[str]) -> None:
    """Raises ScopeNotHeld if the caller would grant, replace or revoke more than it holds."""
    missing = sorted(set(wanted) - set(held))
    if missing and ALL_SCOPES not in held:
        raise ScopeNotHeld(f"The calling API key does not hold {_quoted(missing)} itself.")


def check_room(merchant: Merchant, active_keys: int) -> None:
    """Raises QuotaExceeded if the plan allows no further key. A replaced key does not count."""
    most = merchant.quotas.get(KEYS_QUOTA)
    if most is not None and active_keys >= most:
        raise QuotaExceeded(
            f'The plan "{merchant.plan}" allows {most} active API keys ({KEYS_QUOTA}); '
            "revoke one that is not needed."
        )


def _quoted(scopes: Collection[str]) -> str:
    return ", ".join(f'"{scope}"' for scope in scopes)


def at(key: ApiKey, now: datetime) -> ApiKey:
    """The key at `now`: the end of its overlap ends it, even before a worker has recorded that."""
    over = key.state is State.EXPIRING and key.expires_at is not None and key.expires_at <= now
    return _move(key, Event.EXPIRE) if over else key


def authenticate(key: ApiKey, now: datetime) -> ApiKey:
    """The key if it works. Raises ApiKeyRevoked."""
    if at(key, now).state is State.REVOKED:
        raise ApiKeyRevoked
    return key


def rotate(key: ApiKey, *, overlap: timedelta, now: datetime) -> ApiKey:
    """The old key after its replacement: it works for another `overlap`, or not at all if that is
    zero.

    Rotating again never extends a replaced key. Raises RevokedApiKeyNotRotatable.
    """
    current = at(key, now)
    if current.state is State.REVOKED:
        raise RevokedApiKeyNotRotatable
    end = now + overlap
    if current.expires_at is not None:
        end = min(end, current.expires_at)
    return at(replace(_move(current, Event.ROTATE), expires_at=end), now)


def revoke(key: ApiKey, now: datetime) -> ApiKey:
    """The key after its revocation; one that has already ended stays as it is."""
    current = at(key, now)
    return current if current.state in FINAL else _move(current, Event.REVOKE)


def _move(key: ApiKey, event: Event) -> ApiKey:
    return replace(key, state=TRANSITIONS[key.state, event])


def advance(merchant: Merchant, by: timedelta) -> Merchant:
    """The merchant with its clock further ahead. Raises NotATestMerchant, InvalidArgument."""
    require_test_clock(merchant)
    offset = merchant.clock_offset + by
    if offset > MAX_CLOCK_OFFSET:
        raise invalid("seconds", "would take the clock more than a hundred years ahead")
    return replace(merchant, clock_offset=offset)


def require_test_clock(merchant: Merchant) -> None:
    """Raises NotATestMerchant."""
    if not merchant.test:
        raise NotATestMerchant
