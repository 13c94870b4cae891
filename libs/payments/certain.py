"""What a no of a neighbour that moves money says: that nothing was moved, or nothing at all.

A no is certain: a refusal that may come from an outage, or of a key that it knows, is OutcomeUnknown.
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

# A no of these kinds may come from an outage; the call is repeated with the same key.
_UNCERTAIN: Final = frozenset({Kind.UNAVAILABLE, Kind.INTERNAL, Kind.RATE})
# A key that is known has an effect, whatever became of it.
_KNOWN_KEY: Final = frozenset({IdempotencyKeyInUse.reason, IdempotencyKeyReused.reason})


class KeyKnown(OutcomeUnknown):
    """The key is known with another request: what became of it is asked by the key."""


def is_certain(refusal: RemoteRefusal) -> bool:
    """Whether it was not done and will not be, however often the key asks."""
    return refusal.kind not in _UNCERTAIN and refusal.reason not in _KNOWN_KEY


async def move(method: Any, request: Message, *, key: str) -> Any:
    """Call what moves money.

    Raises RemoteRefusal when nothing was moved, IdempotencyKeyInUse while an equal call runs, and
    OutcomeUnknown otherwise: nobody may try another way before the outcome is known.
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
