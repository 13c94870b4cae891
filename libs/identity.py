"""Who calls, and for whom: two signed, short-lived tokens on every call to a service.

The calling service signs the caller's token for one method. The principal's token names the
merchant: signed by the gateway for an API key, or by the console for a member, and passed on
unchanged by the services in between, or signed by a service (or the operators' command) for its own
work, in which case it grants no scope.
Both are JWTs with Ed25519 signatures; keys are files that are reread when they change. Public keys of
service x are `x.pub` and `x.<anything>.pub` in the trust folder. Several are valid at once, so that
keys can be rotated without downtime.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.context import Call
from libs.errors import CallerNotAllowed, CallerUnknown
from libs.watched import FileError, Watched

CALLER: Final = "incasso-caller"
PRINCIPAL: Final = "incasso-principal"
GATEWAY: Final = "gateway"
CONSOLE: Final = "console"
# They vouch for others: the gateway for API keys, the console for members.
VOUCHING: Final = frozenset({GATEWAY, CONSOLE})
OPERATOR: Final = "operator"  # the operators' command

LIFE_SECONDS: Final = 60
# For this long a token is used; the rest of its life is for transit and waiting.
RENEW_SECONDS: Final = 15
SKEW_SECONDS: Final = 5  # between the clocks of two machines
MAX_REMEMBERED: Final = 10_000
_ALGORITHM: Final = "EdDSA"
_OF_ANOTHER: Final = ("key", "scp", "pub")  # claims about whom the issuer vouches for

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a call is made for. `scopes` and `publishable` are those of `actor`, the API key or
    member.
    """

    issuer: str
    merchant_id: str
    actor: str
    clock_offset_seconds: int = 0
    scopes: frozenset[str] = frozenset()
    publishable: bool = False

    def holds(self, scope: str) -> bool:
        return scope in self.scopes or "*" in self.scopes


class Signer:
    """Issues the tokens of one service, signed with its private key. `now` is seconds since the
    epoch.
    """

    def __init__(
        self, service: str, key_file: Path, *, now: Callable[[], float] = time.time
    ) -> None:
        self.service = service
        self._key_file = Watched([key_file], lambda: private_key(key_file))
        self._key = self._key_file.get()
        self._now = now
        self._made: dict[object, tuple[str, float]] = {}  # token, and when to renew it

    def metadata(self, method: str, call: Call) -> Metadata:
        """The proof for a call to `method` (its full path) on behalf of `call`."""
        pairs = ((CALLER, self.caller(method)),)
        if call.principal:
            return (*pairs, (PRINCIPAL, call.principal))
        if call.merchant_id:
            return (*pairs, (PRINCIPAL, self.principal(call)))
        return pairs

    def caller(self, method: str) -> str:
        return self._token(method, lambda: {"aud": method})

    def principal(self, call: Call) -> str:
        """Only gateway and console vouch for others; the other services speak for themselves."""
        about: tuple[object, ...] = (call.merchant_id, call.clock_offset_seconds)
        if self.service in VOUCHING:
            about = (*about, call.actor, call.scopes, call.publishable)
        return self._token(about, lambda: self._claims_of(call))

    def _claims_of(self, call: Call) -> dict[str, Any]:
        claims: dict[str, Any] = {"mer": call.merchant_id, "off": call.clock_offset_seconds}
        if self.service in VOUCHING:
            claims |= {"key": call.actor, "scp": sorted(call.scopes), "pub": call.publishable}
        return claims

    def _token(self, about: object, claims: Callable[[], dict[str, Any]]) -> str:
        key, now = self._key_file.get(), self._now()
        if key is not self._key:
            self._key = key
            self._made.clear()
        made = self._made.get(about)
        if made is not None and now < made[1]:
            return made[0]
        if len(self._made) >= MAX_REMEMBERED:
            self._made.clear()
        issued = int(now)
        body = {"iss": self.service, "iat": issued, "exp": issued + LIFE_SECONDS, **claims()}
        token = jwt.encode(body, key, _ALGORITHM, headers={"kid": key_id(key.public_key())})
        self._made[about] = (token, now + RENEW_SECONDS)
        return token


@dataclass(frozen=True, slots=True)
class _Trusted:
    """A public key and the services that own it."""

    key: Ed25519PublicKey
    services: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Caller:
    service: str
    method: str


class Trust:
    """The public keys of all services; verifies tokens, and caches them until they expire."""

    def __init__(self, folder: Path) -> None:
        self._folder = Watched([folder], lambda: public_keys(folder))
        self._keys = self._folder.get()
        self._known: dict[str, tuple[_Caller | Principal, float]] = {}  # and their expiry

    def caller(self, token: str, method: str) -> str:
        """The service that calls `method`. Raises CallerUnknown."""
        found = self._read(token)
        if not isinstance(found, _Caller) or found.method != method:
            raise CallerUnknown
        return found.service

    def principal(self, token: str, caller: str) -> Principal:
        """The principal for whom `caller` calls. Raises CallerUnknown, and CallerNotAllowed for a
        token signed by neither gateway, console nor the caller.
        """
        found = self._read(token)
        if not isinstance(found, Principal):
            raise CallerUnknown
        if found.issuer not in VOUCHING and found.issuer != caller:
            raise CallerNotAllowed
        return found

    def _read(self, token: str) -> _Caller | Principal:
        keys, now = self._folder.get(), time.time()
        if keys is not self._keys:
            self._keys = keys
            self._known.clear()
        known = self._known.get(token)
        if known is not None and now < known[1]:
            return known[0]
        claims = _verified(token, keys)
        found = _meaning_of(claims)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        self._known[token] = (found, claims["exp"] + SKEW_SECONDS)
        return found


def _verified(token: str, keys: Mapping[str, _Trusted]) -> dict[str, Any]:
    """The claims of a valid token, signed by one of its service's own keys."""
    try:
        trusted = keys[jwt.get_unverified_header(token)["kid"]]
        claims: dict[str, Any] = jwt.decode(
            token,
            trusted.key,
            algorithms=[_ALGORITHM],
            leeway=SKEW_SECONDS,
            options={"require": ["iss", "iat", "exp"], "verify_aud": False},
        )
    except (jwt.InvalidTokenError, KeyError) as error:
        raise CallerUnknown from error
    if claims["iss"] not in trusted.services or claims["exp"] - claims["iat"] > LIFE_SECONDS:
        raise CallerUnknown
    return claims


def _meaning_of(claims: Mapping[str, Any]) -> _Caller | Principal:
    """Raises CallerNotAllowed if any other issuer vouches for an API key or a member."""
    issuer = claims["iss"]
    if "aud" in claims:
        return _Caller(issuer, claims["aud"])
    if issuer not in VOUCHING and not claims.keys().isdisjoint(_OF_ANOTHER):
        raise CallerNotAllowed
    return Principal(
        issuer=issuer,
        merchant_id=claims.get("mer", ""),
        actor=claims.get("key", issuer),
        clock_offset_seconds=claims.get("off", 0),
        scopes=frozenset(claims.get("scp", ())),
        publishable=claims.get("pub", False),
    )


def private_key(file: Path) -> Ed25519PrivateKey:
    """Raises OSError, FileError."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (TypeError, ValueError):  # encrypted, or not PEM
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise FileError(f"{file} is not an Ed25519 private key in PEM")
    return key


def public_keys(folder: Path) -> dict[str, _Trusted]:
    """The keys by id. A service may have several; services may share one, as in tests.

    Raises OSError, FileError.
    """
    found: dict[str, _Trusted] = {}
    for file in sorted(folder.glob("*.pub")):
        try:
            key = serialization.load_pem_public_key(file.read_bytes())
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise FileError(f"{file} is not an Ed25519 public key in PEM")
        before = found.get(key_id(key))
        owners = {file.name.partition(".")[0], *(before.services if before else ())}
        found[key_id(key)] = _Trusted(key, frozenset(owners))
    if not found:
        raise FileError(f"{folder} has no public key <service>.pub")
    return found


def key_id(key: Ed25519PublicKey) -> str:
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()[:12]).decode()


class _Process:
    """The identity of this process, and whom it trusts."""

    signer: Signer | None = None
    trust: Trust | None = None


_acting: ContextVar[Signer | None] = ContextVar("acting", default=None)


def set_up(signer: Signer, trust: Trust | None = None) -> None:
    """Called once per process, before it calls or serves. Only servers need `trust`."""
    _Process.signer, _Process.trust = signer, trust


@contextmanager
def acting_as(signer: Signer) -> Iterator[None]:
    """Within this block, another identity than the process's own signs calls."""
    token = _acting.set(signer)
    try:
        yield
    finally:
        _acting.reset(token)


def signer() -> Signer:
    found = _acting.get() or _Process.signer
    if found is None:
        raise RuntimeError("the process has no identity: call identity.set_up first")
    return found


def trust() -> Trust:
    if _Process.trust is None:
        raise RuntimeError("the process has no trusted keys: call identity.set_up first")
    return _Process.trust
