# ruff: noqa: RUF001 - this file is about look-alike characters
"""Text messages: GSM 03.38 characters, in one text of at most 160 or in two parts, with the link
whole.
"""

import unicodedata
from typing import Final

ONE_PART: Final = 160
TWO_PARTS: Final = 2 * 153  # each part loses the header that joins them
READ: Final = 500  # characters of a text: composing accents takes quadratic time in a run of them
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")  # two septets each
_INSTEAD: Final = {
    "’": "'", "‘": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-",
    "—": "-", "…": "...", "€": "EUR", "á": "a", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe",
    "Œ": "OE", "ı": "i", "·": "-", "•": "-", "×": "x",
}  # fmt: skip  # pairs read better in rows


def septets(text: str) -> int:
    """Length as counted by phone networks. Raises ValueError for a character that GSM-7 lacks."""
    for character in text:
        if character not in _BASIC and character not in _EXTENDED:
            raise ValueError(f"{character!r} is not in GSM-7")
    return sum(2 if character in _EXTENDED else 1 for character in text)


def transliterated(text: str) -> str:
    """In GSM-7's basic characters, on one line; unsupported characters are left out.

    Reads only the beginning of a text, which is more than a message can hold.
    """
    composed = unicodedata.normalize("NFC", text[:READ])
    written = "".join(_basic(character) for character in composed)
    return " ".join(written.split())


def readable(text: str) -> str:
    """Transliterated; "" if so few of its letters are supported that the rest is meaningless."""
    written = transliterated(text)
    left = sum(character.isalnum() for character in written)
    meant = sum(character.isalnum() for character in text[:READ])
    return written if left and 2 * left >= meant else ""


def _basic(character: str) -> str:
    if character.isspace():
        return " "
    if character in _BASIC:
        return character
    if character in _INSTEAD:
        return _INSTEAD[character]
    if character in _EXTENDED:
        return {"[": "(", "]": ")", "{": "(", "}": ")"}.get(character, "-")
    plain = unicodedata.normalize("NFKD", character)
    return "".join(part for part in plain if part in _BASIC)


def cut(text: str, room: int) -> str:
    """At most `room` septets of a transliterated text; "" if that would be meaningless."""
    if len(text) <= room:
        return text
    if room < 4:  # noqa: PLR2004 - one character and dots
        return ""
    return text[: room - 2].rstrip(" .,:;-") + ".."


def fitted(
    pattern: str,
    *,
    merchant: str,
    detail: str,
    url: str = "",
    law: str = "",
    limit: int = ONE_PART,
    **values: str,
) -> str:
    """`pattern` with its values, and `law` at its end; merchant and detail are shortened to
    `limit`.

    `{detail}` includes its own leading space. URL and law are never cut; if there is no room for
    the other words, they are sent alone.
    """
    merchant, detail = readable(merchant), transliterated(detail)
    known = {name: transliterated(value) for name, value in values.items()}
    ending = f" {transliterated(law)}" if law else ""

    def text(who: str, what: str) -> str:
        filled = pattern.format(
            merchant=f"{who}: " if who else "", detail=f" {what}" if what else "", url=url, **known
        )
        return filled.strip() + ending

    room = limit - septets(text("", ""))
    if room < 0:
        return url + ending if url else text("", "")[:limit]
    who = cut(merchant, min(max(room - 2, 0), max(24, room - 3 - len(detail))))
    left = limit - septets(text(who, "")) - 1
    return text(who, cut(detail, left))
