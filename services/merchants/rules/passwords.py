"""Passwords as Argon2id hashes in PHC format. Pure, and slow on purpose: call it in a thread.

The cost is the minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_MEMORY_KIB: Final = 19 * 1024
_PASSES: Final = 2
_LANES: Final = 1


def hash_of(password: str) -> str:
    kdf = Argon2id(
        salt=secrets.token_bytes(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=_PASSES,
        lanes=_LANES,
        memory_cost=_MEMORY_KIB,
    )
    return kdf.derive_phc_encoded(password.encode())


# Hash of an unknown password: refusing a person without a password takes as long as a wrong one.
NOBODYS: Final = (
    f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}"
    "$YWJjZGVmZ2hpamtsbW5vcA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


def matches(password: str, stored: str | None) -> bool:
    """Takes the same time if there is no stored password."""
    try:
        Argon2id.verify_phc_encoded(password.encode(), stored or NOBODYS)
    except InvalidKey:
        return False
    return stored is not None
