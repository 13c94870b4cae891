"""How many sign-ins with a wrong password are allowed. Pure.

They are counted by e-mail address, whether or not it is known, and by network, to stop those who
try many addresses. A try counts before its password is checked, so that concurrent tries do not get
past the limit.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from libs import networks

WINDOW: Final = timedelta(minutes=15)
_PER_EMAIL: Final = 10
_PER_NETWORK: Final = 50


@dataclass(frozen=True, slots=True)
class Limit:
    """`subject_hash`: a hash of what is counted, since anyone's address may be tried."""

    subject_hash: bytes
    most: int


def limits_of(email: str, address: str) -> tuple[Limit, Limit]:
    return (
        Limit(_hash(f"email {email}"), _PER_EMAIL),
        Limit(_hash(f"network {networks.of(address)}"), _PER_NETWORK),
    )


def _hash(subject: str) -> bytes:
    return hashlib.sha256(subject.encode()).digest()
