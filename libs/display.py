"""Amounts and dates as people read them, in their language, following the CLDR (babel)."""

from copy import copy
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, dates, numbers
from babel.core import UnknownLocaleError

from libs.money import Money, exponent

LANGUAGES: Final = ("it", "en")  # languages of our texts
FALLBACK: Final = "en"
_BRANDS: Final = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "maestro": "Maestro",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def language_of(locale: str) -> str:
    """Our language for a reader of `locale`: "it-CH" reads "it"."""
    tag = locale.replace("_", "-").partition("-")[0].lower()
    return tag if tag in LANGUAGES else FALLBACK


def preferred(accepted: str, *, otherwise: str = FALLBACK) -> str:
    """The first language of an Accept-Language header that we speak."""
    for part in accepted.split(","):
        tag = part.partition(";")[0].strip().partition("-")[0].lower()
        if tag in LANGUAGES:
            return tag
    return language_of(otherwise)


def amount(money: Money, locale: str) -> str:
    """`129,00 €`, `€129.00`, `¥500`. Decimals follow ISO 4217, not customs of cash: 1234.56 RSD is
    not `1.235 RSD`.
    """
    pattern, reader = _pattern(money.currency, locale)
    major = Decimal(money.amount_minor).scaleb(-exponent(money.currency))
    shown: str = pattern.apply(major, reader)
    return shown


@lru_cache(maxsize=1024)
def _pattern(currency: str, locale: str) -> tuple[numbers.NumberPattern, Locale]:
    """The pattern with the currency's symbol filled in: babel would otherwise look up the currency's
    plural names for each amount.
    """
    places, reader = exponent(currency), _babel(locale)
    pattern = copy(reader.currency_formats["standard"])
    pattern.frac_prec = (places, places)
    symbol = numbers.get_currency_symbol(currency, reader)
    pattern.prefix = tuple(part.replace("¤", symbol) for part in pattern.prefix)
    pattern.suffix = tuple(part.replace("¤", symbol) for part in pattern.suffix)
    return pattern, reader


def fraction(major: Decimal, currency: str, locale: str, *, places: int = 4) -> str:
    """`€0.0274`: an amount too small for its currency's decimals, rounded half up."""
    pattern, reader = _pattern(currency, locale)
    pattern = copy(pattern)
    pattern.frac_prec = (exponent(currency), places)
    shown: str = pattern.apply(_rounded(major, places), reader)
    return shown


def percent(rate: Decimal, locale: str, *, places: int = 2) -> str:
    """`9,99%` of Decimal("9.99"), rounded half up."""
    reader = _babel(locale)
    pattern = copy(reader.percent_formats[None])
    pattern.frac_prec = (places, places)
    shown: str = pattern.apply(_rounded(rate, places) / 100, reader)
    return shown


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def day(on: date, locale: str) -> str:
    """`26 novembre 2026`."""
    shown: str = dates.format_date(on, format="d MMMM y", locale=_babel(locale))
    return shown


def short_day(on: date, locale: str) -> str:
    """Short form: `21 nov 2026`."""
    shown: str = dates.format_date(on, format="d MMM y", locale=_babel(locale))
    return shown


def month(of: date, locale: str) -> str:
    """`novembre 2026`, from any of its days."""
    shown: str = dates.format_date(of, format="LLLL y", locale=_babel(locale))
    return shown


def day_of_month(on: date, locale: str) -> str:
    """Without the year: `21 nov`."""
    shown: str = dates.format_date(on, format="d MMM", locale=_babel(locale))
    return shown


def moment(at: datetime, locale: str, *, timezone: str = "Europe/Rome") -> str:
    """Date, time and time zone, e.g. `21 novembre 2026, 10:30 CET`."""
    shown: str = dates.format_datetime(
        at, format="d MMMM y, HH:mm z", tzinfo=dates.get_timezone(timezone), locale=_babel(locale)
    )
    return shown


def short_moment(at: datetime, locale: str, *, timezone: str) -> str:
    """Short form: `21 nov 2026, 10:30`."""
    shown: str = dates.format_datetime(
        at, format="d MMM y, HH:mm", tzinfo=dates.get_timezone(timezone), locale=_babel(locale)
    )
    return shown


@lru_cache(maxsize=1024)
def _babel(locale: str) -> Locale:
    """The reader's country in one of our languages, so that a text is in one language throughout.

    English without a country is British English: day before month.
    """
    language, tag = language_of(locale), locale.replace("-", "_")
    whole = "en_GB" if language == "en" else language
    if tag.partition("_")[0].lower() != language or tag.lower() == "en":
        return Locale.parse(whole)
    try:
        return Locale.parse(tag)
    except (UnknownLocaleError, ValueError):
        return Locale.parse(whole)


def card_name(brand: str, last4: str) -> str:
    """`Visa •••• 4242`; "" when nothing is known."""
    known = brand_name(brand)
    return f"{known} •••• {last4}".strip() if last4 else known


def brand_name(brand: str) -> str:
    """`Visa`; "" when nothing is known."""
    return _BRANDS.get(brand.lower(), brand.replace("_", " ").title())
