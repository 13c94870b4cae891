"""What a refusal by a service that moves money proves: that nothing was moved, or nothing at all.

A RemoteRefusal is certain. A refusal that may come from an outage, or for a key that the service
knows, becomes OutcomeUnknown or IdempotencyKeyInUse instead.
"""

from typing import Any, Final

from google.protobuf.message import Message

from libs import client, deadlines
from libs.errors import (
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    Kind,
    OutcomeUnknown,
    RemoteRefusal,
)

# A refusal of these kinds may come from an outage; the call is repeated with the same key.
_UNCERTAIN: Final = frozenset({Kind.UNAVAILABLE, Kind.INTERNAL, Kind.RATE})
# A known key has an effect, whatever its outcome.
_KNOWN_KEY: Final = frozenset({IdempotencyKeyInUse.reason, IdempotencyKeyReused.reason})


class KeyKnown(OutcomeUnknown):
    """The key was used for another request: its outcome has to be looked up by the key."""


def is_certain(refusal: RemoteRefusal) -> bool:
    """Whether the effect was not made and never will be, however often the key is repeated."""
    return refusal.kind not in _UNCERTAIN and refusal.reason not in _KNOWN_KEY


async def move(method: Any, request: Message, *, key: str) -> Any:
    """Calls an RPC that moves money.

    Raises RemoteRefusal if nothing was moved, IdempotencyKeyInUse while an equal call runs, and
    OutcomeUnknown otherwise: do not try another way before the outcome is known.
    """
    try:
        return await client.call(
            method, request, timeout_seconds=deadlines.MONEY, idempotency_key=key
        )
    except RemoteRefusal as refusal:
        if is_certain(refusal):
            raise
        if refusal.reason == IdempotencyKeyInUse.reason:
            raise IdempotencyKeyInUse from refusal
        if refusal.reason == IdempotencyKeyReused.reason:
            raise KeyKnown from refusal
        raise OutcomeUnknown from refusal
