"""Webhook signatures of the form `t=<unix time>,v1=<hex HMAC-SHA256 of "t.body">`.

Stripe's scheme, which the sandbox uses too.
"""

import hashlib
import hmac
import re
from typing import Final

from services.payments.connectors.base import WebhookSignatureError

TOLERANCE_SECONDS: Final = 300
LONGEST_HEADER: Final = 2000
UNIX_TIME: Final = re.compile(r"[0-9]{1,12}")


def verify(body: bytes, header: str, secret: str, *, now: float) -> None:
    """Raises WebhookSignatureError. Several v1 parts are allowed while a secret is rolled over."""
    if not secret:
        raise WebhookSignatureError("the account has no webhook secret")
    timestamp, signatures = fresh_parts(header, now=now)
    signed = f"{timestamp}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    matches = [hmac.compare_digest(expected, signature) for signature in signatures]
    if not any(matches):
        raise WebhookSignatureError("the signature does not match")


def fresh_parts(header: str, *, now: float) -> tuple[int, list[bytes]]:
    """The time and the v1 signatures of a header that is neither too old nor from the future."""
    if len(header) > LONGEST_HEADER:
        raise WebhookSignatureError("the signature header is too long")
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1 or not UNIX_TIME.fullmatch(times[0]):
        raise WebhookSignatureError("the signature header has no timestamp")
    timestamp = int(times[0])
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise WebhookSignatureError("the signature is too old or from the future")
    return timestamp, [value.encode() for name, _, value in pairs if name == "v1"]
