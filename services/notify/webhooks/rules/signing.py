"""Signatures and secrets of Standard Webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 24


def signature(secret: str, *, event_id: str, timestamp: int, body: bytes) -> str:
    """`v1,…`: HMAC-SHA256 over `{id}.{timestamp}.{body}`."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(
    keys: Sequence[str], *, event_id: str, timestamp: int, body: bytes
) -> Mapping[str, str]:
    """The three headers of an attempt, with one signature per secret, newest first."""
    signatures = (signature(key, event_id=event_id, timestamp=timestamp, body=body) for key in keys)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
