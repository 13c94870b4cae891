"""Where a courier collects: countries, and in them beginnings and ranges of postcodes. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from libs.errors import invalid

_BETWEEN: Final = re.compile(r"[\s.-]+")  # what people put into a postcode: "00 185", "1234-567"
_POSTCODE: Final = re.compile(r"[0-9A-Z]{1,16}")
_RANGE: Final = "-"


@dataclass(frozen=True, slots=True)
class Zone:
    """A country; of its postcodes those that one of `postcodes` fits, all when there are none, but
    none of `excluded_postcodes`. "20" is a beginning, "20100-20199" a range of beginnings.
    """

    country: str
    postcodes: tuple[str, ...] = ()
    excluded_postcodes: tuple[str, ...] = ()


class Place(Enum):
    """What the zones say of where a parcel goes."""

    WITHIN = "within"
    OTHER_COUNTRY = "other_country"
    OTHER_POSTCODE = "other_postcode"
    UNKNOWN = "unknown"  # it takes a postcode to tell


def place_of(zones: Sequence[Zone], *, country: str, postcode: str | None) -> Place:
    """Without zones a courier collects everywhere."""
    if not zones:
        return Place.WITHIN
    there = [zone for zone in zones if zone.country == country]
    if not there:
        return Place.OTHER_COUNTRY
    if any(not (zone.postcodes or zone.excluded_postcodes) for zone in there):
        return Place.WITHIN
    if not (code := compact(postcode or "")):
        return Place.UNKNOWN
    return Place.WITHIN if any(_has(zone, code) for zone in there) else Place.OTHER_POSTCODE


def compact(postcode: str) -> str:
    """As postcodes are compared: without blanks, dots and dashes, in capitals."""
    return _BETWEEN.sub("", postcode).upper()


def check(zone: Zone, field: str) -> None:
    """Raises InvalidArgument."""
    for name in ("postcodes", "excluded_postcodes"):
        for index, pattern in enumerate(getattr(zone, name)):
            if _ends(pattern) is None:
                raise invalid(
                    f"{field}.{name}.{index}",
                    'must be the beginning of a postcode, "20", or a range of equal lengths, "201-209"',
                )


def _has(zone: Zone, code: str) -> bool:
    if any(_fits(pattern, code) for pattern in zone.excluded_postcodes):
        return False
    return not zone.postcodes or any(_fits(pattern, code) for pattern in zone.postcodes)


def _fits(pattern: str, code: str) -> bool:
    ends = _ends(pattern)
    return ends is not None and ends[0] <= code[: len(ends[0])] <= ends[1]


def _ends(pattern: str) -> tuple[str, str] | None:
    """First and last beginning; None when it is no pattern."""
    first, dash, last = (part.strip().upper() for part in pattern.partition(_RANGE))
    last = last if dash else first
    known = _POSTCODE.fullmatch(first) and _POSTCODE.fullmatch(last)
    return (first, last) if known and len(first) == len(last) and first <= last else None
