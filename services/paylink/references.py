"""Creditor references: RF, two check digits and a body (ISO 11649), made and found again in texts."""

import re
import secrets
from collections.abc import Sequence
from typing import Final

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

# Without letters and digits that are mistaken for each other when they are typed from paper.
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
BODY_LENGTH: Final = 12
MOST_CANDIDATES: Final = 50
_START = re.compile(r"(?=(RF\d{2}[0-9A-Z]{1,21}))")


def new_body() -> str:
    """60 random bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))


def creditor_reference(body: str) -> str:
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"


def found_in(text: str) -> Sequence[str]:
    """Every valid reference that a text may hold, longest first: banks drop and add spaces."""
    compact = re.sub(r"[^0-9A-Z]", "", text.upper())
    found: list[str] = []
    for start in _START.finditer(compact):
        longest = start.group(1)
        prefixes = (longest[:end] for end in range(len(longest), 4, -1))
        found += [prefix for prefix in prefixes if iso11649.is_valid(prefix)]
    return found[:MOST_CANDIDATES]
