"""Proofs that a text is ours, without storing anything: MACs under keys derived from the seal keys.

The first key makes proofs, every key verifies them, so a key is rotated by putting a new one in
front. A label keeps proofs of one purpose from being valid for another.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


class Proofs:
    """`keys` are the seal keys (Fernet keys), newest first."""

    def __init__(self, label: str, keys: Sequence[str]) -> None:
        self._keys = [
            hmac.new(base64.urlsafe_b64decode(key), label.encode(), hashlib.sha256).digest()
            for key in keys
        ]

    def of(self, text: str) -> bytes:
        """32 bytes that cannot be guessed without the key."""
        return _mac(self._keys[0], text)

    def all_of(self, text: str) -> Sequence[bytes]:
        """One per key, newest first: the proof may have been made before a rotation."""
        return [_mac(key, text) for key in self._keys]


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
