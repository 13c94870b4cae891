"""The sender of a text message. Pure.

A sender name has to be registered where it is shown: networks block others, in Italy by AGCOM
12/23/CIR. Everywhere else the number is used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-f]{32}")  # also short codes
NAME: Final = re.compile(r"(?=[0-9 ]{0,10}[A-Za-z])[A-Za-z0-9 ]{1,11}")
_PREFIX = re.compile(r"\+[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Sender:
    """`name` is registered for numbers that begin with one of `prefixes`. "": there is none."""

    number: str
    name: str = ""
    prefixes: Sequence[str] = ()

    def to(self, number: str) -> str:
        """The sender of a message to `number`; "" if none may be used."""
        if self.name and number.startswith(tuple(self.prefixes)):
            return self.name
        return self.number


def prefixes_of(text: str) -> tuple[str, ...]:
    """Calling codes from `+39,+41`. Raises ValueError for anything else."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if wrong := [part for part in found if not _PREFIX.fullmatch(part)]:
        raise ValueError(f"{wrong[0]!r} is not a calling code such as +39")
    return found
