"""Identifiers: a prefix for the noun, then a UUIDv7 in a compact, ordered alphabet.

`pay_06f2k…`: ids with the same prefix sort by creation time, so they serve as list cursors.
"""

import hashlib
import re
import time
from datetime import date, timedelta
from typing import Final

import uuid_utils

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in ASCII order
LENGTH: Final = 26
_PAIRS: Final = [first + second for first in ALPHABET for second in ALPHABET]
_SHIFTS: Final = range(120, -1, -10)  # of each pair
_EPOCH: Final = date(1970, 1, 1)
_DAY_MS: Final = 86_400_000
_TAIL_BYTES: Final = 10  # after the time
_SHAPE = re.compile(rf"[a-z]{{2,4}}_[{ALPHABET}]{{{LENGTH}}}")


def new(prefix: str) -> str:
    """A fresh id: `prefix` without underscore, e.g. "pay"."""
    return f"{prefix}_{_text(uuid_utils.uuid7().int)}"


def _text(number: int) -> str:
    """The text of a 128-bit number."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])


def derived(prefix: str, of: str, *, on: date) -> str:
    """The same id for the same `of`, a text that is unique to the resource. Sorts by `on`."""
    day_ms = max(0, (on - _EPOCH).days * _DAY_MS)
    tail = int.from_bytes(hashlib.sha256(of.encode()).digest()[:_TAIL_BYTES], "big")
    return f"{prefix}_{_text((day_ms << 8 * _TAIL_BYTES) | tail)}"


def earliest(prefix: str, *, ago: timedelta) -> str:
    """A lower bound for all ids with this prefix created since, in real time."""
    at_ms = int((time.time() - ago.total_seconds()) * 1000)
    return f"{prefix}_{_text(at_ms << 80)}"


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the form of an id with this prefix."""
    return text.startswith(f"{prefix}_") and _SHAPE.fullmatch(text) is not None
