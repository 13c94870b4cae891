"""Creditor references (ISO 11649): RF, two check digits and a body. Creates them and finds them in
texts.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Final

from stdnum.iso7064 import mod_97_10

# Without letters and digits that are easily confused when typed from paper.
ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
BODY_LENGTH: Final = 12
MOST: Final = 20  # in one text
_NAMED: Final = re.compile(rf"(?=(RF\d\d)([{ALPHABET}]{{{BODY_LENGTH}}}))", re.ASCII)


def new_body() -> str:
    """60 random bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))


def creditor_reference(body: str) -> str:
    return f"RF{mod_97_10.calc_check_digits(f'{body}RF')}{body}"


def found_in(text: str) -> tuple[Sequence[str], Sequence[str]]:
    """The references of our length in a text, and those whose check digits are wrong there.

    Banks drop and add spaces, people type lower case. Wrong ones are for a person to check.
    """
    compact = re.sub(r"[^0-9A-Z]", "", text.upper())
    right: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for prefix, body in _NAMED.findall(compact):
        reference = creditor_reference(body)
        (right if reference.startswith(prefix) else wrong)[reference] = None
    return list(right)[:MOST], [one for one in wrong if one not in right][:MOST]
