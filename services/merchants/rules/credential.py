"""The text of an API key: generated here, shown once, stored only as a hash.

A secret is 32 random characters of base 62 (190 bits), so SHA-256 is enough: there is nothing to
guess, and a slow hash would only slow down every request.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from services.merchants.rules.domain import Kind

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 32
PREFIXES: Final = MappingProxyType({Kind.SECRET: "sk", Kind.PUBLISHABLE: "pk"})
_FORMAT = re.compile(r"(?:sk|pk)_[0-9A-Za-z]{32,64}")


@dataclass(frozen=True, slots=True)
class Secret:
    """What the caller sends. Its repr does not show it."""

    text: str

    @property
    def hash(self) -> bytes:
        """SHA-256: 32 bytes."""
        return hashlib.sha256(self.text.encode()).digest()

    @property
    def last4(self) -> str:
        return self.text[-4:]

    @property
    def is_well_formed(self) -> bool:
        """Whether this can be a key at all: keeps garbage away from the database."""
        return _FORMAT.fullmatch(self.text) is not None

    def __repr__(self) -> str:
        return "Secret(…)"


def generate(kind: Kind) -> Secret:
    """A new secret from the operating system's randomness."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return Secret(f"{PREFIXES[kind]}_{letters}")
