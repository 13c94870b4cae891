"""What a SEPA credit transfer can carry: countries, characters, lengths. Pure.

Countries: EPC409-09, the list of SEPA countries, by the country of the IBAN. Characters: the Latin
set of the implementation guidelines EPC132-08, in which no text starts or ends with a slash or
contains two in a row.
"""

import re
from typing import Final

from anyascii import anyascii

CURRENCY: Final = "EUR"
NAME: Final = 70
TOWN: Final = 35
REMITTANCE: Final = 140
COUNTRIES: Final = frozenset(
    (
        "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR",
        "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL",
        "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
    )
)  # fmt: skip  # a list of codes
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_SLASHES: Final = re.compile(r"/{2,}")


def plain(text: str) -> str:
    """The text in SEPA's characters: `Zoë & Łukasz` becomes `Zoe + Lukasz`."""
    latin = _FOREIGN.sub(" ", anyascii(text).replace("&", "+"))
    return " ".join(_SLASHES.sub("/", latin).strip(" /").split())


def cut(text: str, longest: int) -> str:
    """The same, cut to this many characters."""
    return plain(text)[:longest].rstrip(" /")
