"""Who calls, for whom, under which idempotency key: what a request carries beside its message."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from libs.errors import MerchantMissing

MERCHANT: Final = "incasso-merchant-id"
ACTOR: Final = "incasso-actor"
IDEMPOTENCY_KEY: Final = "idempotency-key"
CLOCK_OFFSET: Final = "incasso-clock-offset-seconds"
PUBLISHABLE: Final = "incasso-publishable"


@dataclass(frozen=True, slots=True)
class Call:
    """One incoming RPC. Empty texts where the caller said nothing."""

    merchant_id: str = ""
    actor: str = ""
    idempotency_key: str = ""
    clock_offset_seconds: int = 0
    publishable: bool = False  # a browser with a publishable key; needs a client secret

    def metadata(self, *, idempotency_key: str = "") -> tuple[tuple[str, str], ...]:
        """GRPC metadata for a call made on behalf of this one, under a key of its own."""
        pairs = [(MERCHANT, self.merchant_id), (ACTOR, self.actor)]
        if idempotency_key:
            pairs.append((IDEMPOTENCY_KEY, idempotency_key))
        if self.clock_offset_seconds:
            pairs.append((CLOCK_OFFSET, str(self.clock_offset_seconds)))
        if self.publishable:
            pairs.append((PUBLISHABLE, "1"))
        return tuple(pairs)


_current: ContextVar[Call] = ContextVar("call", default=Call())  # noqa: B039 - Call is frozen


def current() -> Call:
    """The call that is being served; an empty one outside of any (workers)."""
    return _current.get()


def merchant_id() -> str:
    """The merchant for whom the current call is made; MerchantMissing when it does not say."""
    if not _current.get().merchant_id:
        raise MerchantMissing
    return _current.get().merchant_id


def set_current(call: Call) -> None:
    """Set by the server interceptor and, per due row or event, by workers."""
    _current.set(call)
