"""Whom a call is made for and under which idempotency key: the metadata beside its message."""

from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Final

from libs.errors import MerchantMissing

IDEMPOTENCY_KEY: Final = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Call:
    """An incoming RPC, or a piece of a worker's work. Texts are empty if absent.

    What a server puts here is proven by the caller's tokens (libs/identity).
    """

    merchant_id: str = ""
    actor: str = ""  # id of the API key or member, or the service that acts
    idempotency_key: str = ""
    clock_offset_seconds: int = 0
    publishable: bool = False  # a browser with a publishable key; needs a client secret
    scopes: frozenset[str] = frozenset()  # of the API key or member
    caller: str = ""  # the service that made the RPC
    principal: str = field(default="", repr=False)  # the gateway's or console's token, to pass on


_current: ContextVar[Call] = ContextVar("call", default=Call())  # noqa: B039 - Call is frozen


def current() -> Call:
    """The call being served; an empty one outside any call (workers)."""
    return _current.get()


def merchant_id() -> str:
    """The merchant for whom the current call is made. Raises MerchantMissing if there is none."""
    if not _current.get().merchant_id:
        raise MerchantMissing
    return _current.get().merchant_id


def set_current(call: Call) -> None:
    """Called by the server on admission, and by workers for each due row or event."""
    _current.set(call)


def act_for(service: str, merchant_id: str, clock_offset_seconds: int = 0) -> None:
    """From here on, a worker acts in its service's name for this merchant."""
    set_current(
        Call(merchant_id=merchant_id, actor=service, clock_offset_seconds=clock_offset_seconds)
    )


def act_as_shopper(merchant_id: str, clock_offset_seconds: int) -> None:
    """From here on, the call is made for this merchant, by a shopper who has the address of one
    of its pages.
    """
    set_current(
        replace(
            current(),
            merchant_id=merchant_id,
            clock_offset_seconds=clock_offset_seconds,
            principal="",  # the service speaks for itself
        )
    )
