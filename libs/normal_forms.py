"""The single form in which a text of a well-known format is stored and compared.

People paste addresses, numbers and codes with spaces around and inside, in any case and with their
country's punctuation. A text that is well-formed by its standard gets its normal form; any other is
only trimmed, and left to libs/formats.py to refuse.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from typing import Final

from stdnum.util import clean

from libs import phones

MOST: Final = 1000  # characters considered; no text of these formats is longer

# RFC 5646 without grandfathered and reserved tags.
_LANGUAGE: Final = re.compile(
    r"(?P<language>[a-z]{2,3}(?:-[a-z]{3})?)(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)


def trimmed(text: str) -> str:
    """The text without spaces and invisible characters around it."""
    if text.isascii():
        return text.strip()
    kept = [index for index, letter in enumerate(text) if not _is_blank(letter)]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def _is_blank(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) == "Cf"


def upper(text: str) -> str:
    return trimmed(text).upper()


def email(text: str) -> str:
    """The domain in lower case; only its host may interpret the local part."""
    local, at, domain = trimmed(text).rpartition("@")
    return f"{local}{at}{domain.lower()}"


def phone(text: str) -> str:
    """E.164 form of an international number: +39 333 123-45-67, 0039…, +44 (0)20…, tel:+39….

    A number without a country code stays unchanged: its country is unknown. So does
    one with an extension, or one that does not exist in its country.
    """
    return phones.e164(_international(text)) or trimmed(text)


def _international(text: str) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFKC", text) if _is_kept(letter))
    plain = trimmed(plain).removeprefix("tel:")
    return f"+{plain[2:]}" if plain.startswith("00") else plain


def _is_kept(letter: str) -> bool:
    return unicodedata.category(letter) != "Cf"


def compact(text: str) -> str:
    """A code that people write in groups: no spaces, dots or dashes, upper case."""
    upper_case = "".join(letter for letter in text if not _is_blank(letter)).upper()
    return str(clean(upper_case, "-.:")).upper()  # upper case first: it splits some letters


def iban(text: str) -> str:
    """The code without a leading "IBAN"; no country has the code IB."""
    return compact(text).removeprefix("IBAN")


def language(text: str) -> str:
    """BCP 47: it-IT for it_it, es-419, zh-Hant-TW. Extensions are dropped, since we use none."""
    plain = trimmed(text).replace("_", "-")
    fits = _LANGUAGE.fullmatch(plain)
    if not fits:
        return trimmed(text)
    script, region = fits["script"], fits["region"]
    parts = [fits["language"].lower(), script and script.title(), region and region.upper()]
    return "-".join(part for part in parts if part) + fits["variants"].lower()


def ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(trimmed(text)))
    except ValueError:
        return trimmed(text)


def contact(text: str) -> str:
    return email(text) if "@" in text else phone(text)


# By the enum value's name in incasso/rest/v1/options.proto.
NORMAL_FORMS: Final[dict[str, Callable[[str], str]]] = {
    "FORMAT_CURRENCY": upper,
    "FORMAT_COUNTRY": upper,
    "FORMAT_EMAIL": email,
    "FORMAT_PHONE": phone,
    "FORMAT_URL": trimmed,
    "FORMAT_LOCALE": language,
    "FORMAT_COLOUR": trimmed,
    "FORMAT_IP": ip,
    "FORMAT_IBAN": iban,
    "FORMAT_BIC": compact,
    "FORMAT_REFERENCE": trimmed,
    "FORMAT_DATE": trimmed,
    "FORMAT_CONTACT": contact,
}
