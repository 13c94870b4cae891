"""Well-known formats of text fields, for texts in their normal form (libs/normal_forms.py).

Each check returns None, or what is wrong as a sentence.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from stdnum import bic, iban

from libs import phones
from libs.money import is_currency

_EMAIL = re.compile(r"[^@\s<>\"(),:;\\]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]{2,63}")
_LOCALE = re.compile(
    r"[a-z]{2,3}(-[a-z]{3})?(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?(-[a-z0-9]{4,8})*"
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MAX_EMAIL: Final = 254
_MAX_LOCALE: Final = 35

COUNTRIES: Final = frozenset(
    [
        "AD",
        "AE",
        "AF",
        "AG",
        "AI",
        "AL",
        "AM",
        "AO",
        "AQ",
        "AR",
        "AS",
        "AT",
        "AU",
        "AW",
        "AX",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
        "BH",
        "BI",
        "BJ",
        "BL",
        "BM",
        "BN",
        "BO",
        "BQ",
        "BR",
        "BS",
        "BT",
        "BV",
        "BW",
        "BY",
        "BZ",
        "CA",
        "CC",
        "CD",
        "CF",
        "CG",
        "CH",
        "CI",
        "CK",
        "CL",
        "CM",
        "CN",
        "CO",
        "CR",
        "CU",
        "CV",
        "CW",
        "CX",
        "CY",
        "CZ",
        "DE",
        "DJ",
        "DK",
        "DM",
        "DO",
        "DZ",
        "EC",
        "EE",
        "EG",
        "EH",
        "ER",
        "ES",
        "ET",
        "FI",
        "FJ",
        "FK",
        "FM",
        "FO",
        "FR",
        "GA",
        "GB",
        "GD",
        "GE",
        "GF",
        "GG",
        "GH",
        "GI",
        "GL",
        "GM",
        "GN",
        "GP",
        "GQ",
        "GR",
        "GS",
        "GT",
        "GU",
        "GW",
        "GY",
        "HK",
        "HM",
        "HN",
        "HR",
        "HT",
        "HU",
        "ID",
        "IE",
        "IL",
        "IM",
        "IN",
        "IO",
        "IQ",
        "IR",
        "IS",
        "IT",
        "JE",
        "JM",
        "JO",
        "JP",
        "KE",
        "KG",
        "KH",
        "KI",
        "KM",
        "KN",
        "KP",
        "KR",
        "KW",
        "KY",
        "KZ",
        "LA",
        "LB",
        "LC",
        "LI",
        "LK",
        "LR",
        "LS",
        "LT",
        "LU",
        "LV",
        "LY",
        "MA",
        "MC",
        "MD",
        "ME",
        "MF",
        "MG",
        "MH",
        "MK",
        "ML",
        "MM",
        "MN",
        "MO",
        "MP",
        "MQ",
        "MR",
        "MS",
        "MT",
        "MU",
        "MV",
        "MW",
        "MX",
        "MY",
        "MZ",
        "NA",
        "NC",
        "NE",
        "NF",
        "NG",
        "NI",
        "NL",
        "NO",
        "NP",
        "NR",
        "NU",
        "NZ",
        "OM",
        "PA",
        "PE",
        "PF",
        "PG",
        "PH",
        "PK",
        "PL",
        "PM",
        "PN",
        "PR",
        "PS",
        "PT",
        "PW",
        "PY",
        "QA",
        "RE",
        "RO",
        "RS",
        "RU",
        "RW",
        "SA",
        "SB",
        "SC",
        "SD",
        "SE",
        "SG",
        "SH",
        "SI",
        "SJ",
        "SK",
        "SL",
        "SM",
        "SN",
        "SO",
        "SR",
        "SS",
        "ST",
        "SV",
        "SX",
        "SY",
        "SZ",
        "TC",
        "TD",
        "TF",
        "TG",
        "TH",
        "TJ",
        "TK",
        "TL",
        "TM",
        "TN",
        "TO",
        "TR",
        "TT",
        "TV",
        "TW",
        "TZ",
        "UA",
        "UG",
        "UM",
        "US",
        "UY",
        "UZ",
        "VA",
        "VC",
        "VE",
        "VG",
        "VI",
        "VN",
        "VU",
        "WF",
        "WS",
        "XK",
        "YE",
        "YT",
        "ZA",
        "ZM",
        "ZW",
    ]
)


def currency(text: str) -> str | None:
    return None if is_currency(text) else "must be an ISO 4217 currency code such as EUR"


def country(text: str) -> str | None:
    return None if text in COUNTRIES else "must be an ISO 3166-1 country code such as IT"


def email(text: str) -> str | None:
    """Accepts nothing that could be misread in a mail header or an SMTP command."""
    fits = len(text) <= _MAX_EMAIL and text.isprintable() and "=?" not in text
    return None if fits and _EMAIL.fullmatch(text) else "must be an e-mail address"


def phone(text: str) -> str | None:
    if text and phones.e164(text) == text:
        return None
    if text.startswith("+"):
        return "is not a valid phone number in its country: check its digits"
    return "must be a phone number with its country, such as +39 333 123 4567"


def url(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    fits = fits and text.isascii() and text.isprintable() and " " not in text
    return None if fits else "must be an absolute http or https address"


def locale(text: str) -> str | None:
    fits = len(text) <= _MAX_LOCALE and _LOCALE.fullmatch(text)
    return None if fits else "must be a language tag such as it, en-GB or zh-Hant-TW"


def colour(text: str) -> str | None:
    return None if _COLOUR.fullmatch(text) else "must be a colour such as #0b5cad"


def ip(text: str) -> str | None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return "must be an IP address"
    return None


def iban_account(text: str) -> str | None:
    """Checks the length and check digits of its country."""
    fits = text.isalnum() and text == text.upper() and iban.is_valid(text)
    return None if fits else "must be an IBAN such as IT60X0542811101000000123456"


def bank(text: str) -> str | None:
    fits = text == text.upper() and bic.is_valid(text)
    return None if fits else "must be a BIC such as BPPIITRRXXX"


def day(text: str) -> str | None:
    try:
        fits = date.fromisoformat(text).isoformat() == text
    except ValueError:
        fits = False
    return None if fits else "must be a date such as 2027-01-31"


def contact(text: str) -> str | None:
    if "@" in text:
        return email(text)
    return phone(text) and "must be an e-mail address, or a phone number with its country"


# By the enum value's name in incasso/rest/v1/options.proto.
CHECKS: Final[dict[str, Callable[[str], str | None]]] = {
    "FORMAT_CURRENCY": currency,
    "FORMAT_COUNTRY": country,
    "FORMAT_EMAIL": email,
    "FORMAT_PHONE": phone,
    "FORMAT_URL": url,
    "FORMAT_LOCALE": locale,
    "FORMAT_COLOUR": colour,
    "FORMAT_IP": ip,
    "FORMAT_IBAN": iban_account,
    "FORMAT_BIC": bank,
    "FORMAT_DATE": day,
    "FORMAT_CONTACT": contact,
}
