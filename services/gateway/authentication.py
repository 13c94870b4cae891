"""Authenticates API keys: checked with merchants, cached for seconds.

If merchants does not answer, known keys keep working for an hour; keys never seen before are then
refused as unavailable, never as unknown.
"""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from incasso.merchants.v1 import merchants_pb2
from libs.errors import Kind, Refusal, ServiceUnavailable
from libs.logs import log
from services.gateway.errors import ApiKeyMissing, ApiKeyUnknown

FRESH_SECONDS: Final = 5.0
STALE_SECONDS: Final = 3600.0
REFUSED_SECONDS: Final = 5.0
MAX_KNOWN: Final = 10_000
MAX_REFUSED: Final = 1_000
_KEY = re.compile(r"[sp]k_[A-Za-z0-9_]{8,200}")

Ask = Callable[
    [merchants_pb2.AuthenticateKeyRequest], Awaitable["merchants_pb2.AuthenticateKeyResponse"]
]


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller."""

    api_key_id: str
    merchant_id: str
    publishable: bool
    scopes: frozenset[str]
    clock_offset_seconds: int
    plan: str = ""
    requests_per_second: int = 0  # allowed by the plan; 0: no limit

    def holds(self, scope: str) -> bool:
        return not scope or scope in self.scopes or "*" in self.scopes


@dataclass(slots=True)
class _Known:
    identity: Identity
    answered_at: float  # when merchants last accepted the key
    checked_at: float  # when merchants was last asked, whether or not it answered


def bearer_of(header: str | None) -> str:
    """The key in an Authorization header. Raises ApiKeyMissing and ApiKeyUnknown."""
    scheme, _, key = (header or "").strip().partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise ApiKeyMissing
    if not _KEY.fullmatch(key):
        raise ApiKeyUnknown
    return key


class Keys:
    """The keys that this process has seen. Holds digests, not keys."""

    def __init__(self, ask: Ask, *, seconds: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._seconds = seconds
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._refused: OrderedDict[bytes, tuple[Refusal, float]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Identity]] = {}

    async def identity(self, key: str) -> Identity:
        """Raises the merchants service's refusal, or ServiceUnavailable for a new key."""
        digest = hashlib.sha256(key.encode()).digest()
        now = self._seconds()
        known = self._known.get(digest)
        if known is not None and now - known.checked_at < FRESH_SECONDS:
            return known.identity
        refused = self._refused.get(digest)
        if refused is not None and now - refused[1] < REFUSED_SECONDS:
            raise refused[0].with_traceback(None)
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._learn(digest, key))
            self._asking[digest] = asking
            asking.add_done_callback(lambda task: self._asked(digest, task))
        return await asyncio.shield(asking)

    def is_known(self, key: str) -> bool:
        """Whether merchants has accepted the key before."""
        return hashlib.sha256(key.encode()).digest() in self._known

    def forget(self, merchant_id: str) -> None:
        """Drops the merchant's keys from the cache: one was revoked here, or the clock advanced."""
        for known in self._known.values():
            if known.identity.merchant_id == merchant_id:
                known.checked_at = float("-inf")

    def _asked(self, digest: bytes, task: "asyncio.Task[Identity]") -> None:
        self._asking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: the callers that awaited the task have it

    async def _learn(self, digest: bytes, key: str) -> Identity:
        try:
            answer = await self._ask(merchants_pb2.AuthenticateKeyRequest(secret=key))
        except Refusal as refusal:
            return self._without_answer(digest, refusal)
        identity = Identity(
            api_key_id=answer.api_key_id,
            merchant_id=answer.merchant_id,
            publishable=answer.kind == merchants_pb2.ApiKey.KIND_PUBLISHABLE,
            scopes=frozenset(answer.scopes),
            clock_offset_seconds=answer.clock_offset_seconds,
            plan=answer.plan,
            requests_per_second=answer.requests_per_second,
        )
        now = self._seconds()
        self._refused.pop(digest, None)
        self._known[digest] = _Known(identity, now, now)
        self._known.move_to_end(digest)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return identity

    def _without_answer(self, digest: bytes, refusal: Refusal) -> Identity:
        now = self._seconds()
        if refusal.kind is Kind.UNAUTHENTICATED:
            self._known.pop(digest, None)
            self._refused[digest] = (refusal, now)
            if len(self._refused) > MAX_REFUSED:
                self._refused.popitem(last=False)
            raise refusal
        known = self._known.get(digest)
        if known is None or now - known.answered_at > STALE_SECONDS:
            raise ServiceUnavailable from refusal
        log.warning(
            "merchants does not answer; a cached key stays valid",
            api_key_id=known.identity.api_key_id,
        )
        known.checked_at = now
        return known.identity
