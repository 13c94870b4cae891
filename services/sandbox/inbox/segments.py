"""The length of a text as an SMS: GSM 03.38 or UCS-2, and its number of parts. Pure."""

from dataclasses import dataclass

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Two septets each: an escape and the character.
GSM_EXTENDED = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, slots=True)
class Length:
    """`units` are septets of GSM-7 or code units of UCS-2."""

    encoding: str
    units: int
    segments: int
    fits_one: int


def measure(text: str) -> Length:
    """Each part of several is shorter than a single SMS: its header takes space."""
    if set(text) <= GSM_BASIC | GSM_EXTENDED:
        units = sum(2 if letter in GSM_EXTENDED else 1 for letter in text)
        encoding, single, part = "GSM-7", 160, 153
    else:
        units = len(text.encode("utf-16-be")) // 2
        encoding, single, part = "UCS-2", 70, 67
    segments = 1 if units <= single else -(-units // part)
    return Length(encoding, units, segments, single)
