"""A link's recipient from one field: an e-mail address, a phone number, or none. Pure."""

import re
from dataclasses import dataclass

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[0-9 ().\-/]{6,20}")


@dataclass(frozen=True, slots=True)
class Contact:
    """At most one of the two is set. The service that sends validates it."""

    email: str = ""
    phone: str = ""


def contact_of(text: str, *, country_code: str = "39") -> Contact | None:
    """None for text that is neither. A number without a country code gets `country_code`."""
    plain = text.strip()
    if not plain:
        return Contact()
    if _EMAIL.fullmatch(plain):
        return Contact(email=plain)
    if not _PHONE.fullmatch(plain):
        return None
    digits = re.sub(r"\D", "", plain)
    if plain.startswith("+"):
        return Contact(phone=f"+{digits}")
    if digits.startswith("00"):
        return Contact(phone=f"+{digits[2:]}")
    return Contact(phone=f"+{country_code}{digits}")
