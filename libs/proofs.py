"""Proofs that a text is ours, without keeping anything: MACs under keys derived from the seal's.

The first key makes proofs, every key knows them, so that a key is rotated by putting a new one in
front. A label keeps the proofs of one purpose from being good for another.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence


class Proofs:
    """`keys` are the seal's (Fernet keys), newest first."""

    def __init__(self, label: str, keys: Sequence[str]) -> None:
        self._keys = [
            hmac.new(base64.urlsafe_b64decode(key), label.encode(), hashlib.sha256).digest()
            for key in keys
        ]

    def of(self, text: str) -> bytes:
        """32 bytes that nobody can tell who lacks the key."""
        return _mac(self._keys[0], text)

    def all_of(self, text: str) -> Sequence[bytes]:
        """Under each key, the newest first: the proof may have been made before a rotation."""
        return [_mac(key, text) for key in self._keys]


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
