"""For whom a call is made and under which idempotency key: what it carries beside its message."""

from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

from libs.errors import MerchantMissing

IDEMPOTENCY_KEY: Final = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Call:
    """One incoming RPC, or a piece of a worker's work. Empty texts where there is nothing.

    What a server puts here is proven by the caller's tokens (libs/identity).
    """

    merchant_id: str = ""
    actor: str = ""  # id of the API key, or the service that acts
    idempotency_key: str = ""
    clock_offset_seconds: int = 0
    publishable: bool = False  # a browser with a publishable key; needs a client secret
    scopes: frozenset[str] = frozenset()  # of the API key
    caller: str = ""  # the service that made the RPC
    principal: str = field(default="", repr=False)  # the gateway's token, to be carried on


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
    """Set by the server's door and, per due row or event, by workers."""
    _current.set(call)


def act_for(service: str, merchant_id: str, clock_offset_seconds: int = 0) -> None:
    """What a worker does from here on, its service does for this merchant."""
    set_current(
        Call(merchant_id=merchant_id, actor=service, clock_offset_seconds=clock_offset_seconds)
    )


def act_as_shopper(merchant_id: str, clock_offset_seconds: int) -> None:
    """From here on the call is made for this merchant, by somebody who has one of its addresses."""
    set_current(
        replace(
            current(),
            merchant_id=merchant_id,
            clock_offset_seconds=clock_offset_seconds,
            principal="",  # the service speaks for itself
        )
    )
