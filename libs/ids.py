"""Identifiers: a prefix that names the noun, then a UUIDv7 in a compact, ordered alphabet.

`pay_06f2k…`: ids of one prefix sort by time of creation, so they double as list cursors.
"""

import re
from typing import Final

import uuid_utils

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, in ASCII order
LENGTH: Final = 26
_SHAPE = re.compile(rf"[a-z]{{2,4}}_[{ALPHABET}]{{{LENGTH}}}")


def new(prefix: str) -> str:
    """A fresh id: `prefix` without underscore, e.g. "pay"."""
    number = uuid_utils.uuid7().int
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the shape of an id of this prefix."""
    return text.startswith(f"{prefix}_") and _SHAPE.fullmatch(text) is not None
