"""Tokens of addresses: 128 random bits in 22 characters, looked up by their SHA-256."""

import hashlib
import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 22  # 62 ** 22 is just above 2 ** 128


def new() -> str:
    number, digits = secrets.randbits(128), []
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(digits)


def hash_of(token: str) -> bytes:
    """Accepts any text, so that looking up nonsense takes as long as looking up a token."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
