"""Where a courier collects: countries, and within them prefixes and ranges of postcodes. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from libs.errors import invalid

_BETWEEN: Final = re.compile(r"[\s.-]+")  # also "00 185", "1234-567"
_POSTCODE: Final = re.compile(r"[0-9A-Z]{1,16}")
_RANGE: Final = "-"
MOST_PATTERNS: Final = 1_000  # per courier; an offer checks those of up to fifty


@dataclass(frozen=True, slots=True)
class Zone:
    """A country with the postcodes that match one of `postcodes`, or all if there are none, except
    `excluded_postcodes`. "20" is a prefix, "20100-20199" a range of prefixes.
    """

    country: str
    postcodes: tuple[str, ...] = ()
    excluded_postcodes: tuple[str, ...] = ()


class Place(Enum):
    """Whether the zones include a destination."""

    WITHIN = "within"
    OTHER_COUNTRY = "other_country"
    OTHER_POSTCODE = "other_postcode"
    UNKNOWN = "unknown"  # a postcode is needed to decide


def place_of(zones: Sequence[Zone], *, country: str, postcode: str | None) -> Place:
    """Without zones, a courier collects everywhere."""
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
    """Postcode for comparison: upper case, without spaces, dots and dashes."""
    return _BETWEEN.sub("", postcode).upper()


def checked(zones: Sequence[Zone], field: str) -> tuple[Zone, ...]:
    """The zones with normalised patterns. Raises InvalidArgument."""
    patterns = sum(len(zone.postcodes) + len(zone.excluded_postcodes) for zone in zones)
    if patterns > MOST_PATTERNS:
        raise invalid(field, f"must have at most {MOST_PATTERNS} prefixes and ranges in total")
    return tuple(
        Zone(
            zone.country,
            _normal(zone.postcodes, f"{field}.{index}.postcodes"),
            _normal(zone.excluded_postcodes, f"{field}.{index}.excluded_postcodes"),
        )
        for index, zone in enumerate(zones)
    )


def _normal(patterns: Sequence[str], field: str) -> tuple[str, ...]:
    return tuple(_pattern(text, f"{field}.{index}") for index, text in enumerate(patterns))


def _pattern(text: str, field: str) -> str:
    first, dash, last = (part.strip().upper() for part in text.partition(_RANGE))
    known = all(_POSTCODE.fullmatch(end) for end in ((first, last) if dash else (first,)))
    if not known or (dash and (len(first) != len(last) or first > last)):
        raise invalid(
            field,
            'must be a postcode prefix such as "20", or a range of equal lengths such as "201-209"',
        )
    return first + dash + last


def _has(zone: Zone, code: str) -> bool:
    if any(_fits(pattern, code) for pattern in zone.excluded_postcodes):
        return False
    return not zone.postcodes or any(_fits(pattern, code) for pattern in zone.postcodes)


def _fits(pattern: str, code: str) -> bool:
    first, dash, last = pattern.partition(_RANGE)
    return first <= code[: len(first)] <= (last if dash else first)
