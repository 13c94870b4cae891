"""Amounts and dates are formatted the way their readers write them."""

import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from libs import display
from libs.money import CURRENCIES, Money, exponent

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("money", "locale", "shown"),
    [
        (Money(12900, "EUR"), "it", f"129,00{NBSP}€"),
        (Money(12900, "EUR"), "en", "€129.00"),
        (Money(123456789, "EUR"), "it-IT", f"1.234.567,89{NBSP}€"),
        (Money(500, "JPY"), "en", "JP¥500"),
        (Money(1234, "KWD"), "en", "KWD1.234"),
        (Money(12900, "EUR"), "xx-nonsense", "€129.00"),
        (Money(123456, "RSD"), "it", f"1.234,56{NBSP}RSD"),
        (Money(1500000, "HUF"), "en", "HUF15,000.00"),
        (Money(-500, "EUR"), "it", f"-5,00{NBSP}€"),
    ],
)
def test_amounts_are_formatted_for_the_locale(money, locale, shown):
    assert display.amount(money, locale) == shown


@pytest.mark.parametrize("locale", ["it", "it-CH", "en", "en-IN"])
def test_no_amount_of_any_currency_is_rounded(locale):
    for currency in sorted(CURRENCIES):
        minor = 10 ** exponent(currency) + 1  # 1.01, 2, 1.001
        shown = display.amount(Money(minor, currency), locale)
        digits = "".join(str(unicodedata.digit(c)) for c in shown if c.isdigit())
        assert digits == str(minor), (currency, shown)


@pytest.mark.parametrize("locale", ["es-419", "zh-Hant-TW", "sr-Latn-RS", "ar"])
def test_unsupported_languages_get_english_amounts_and_dates(locale):
    assert display.language_of(locale) == "en"
    assert display.amount(Money(12900, "EUR"), locale) == "€129.00"
    assert display.moment(datetime(2026, 11, 21, tzinfo=UTC), locale).startswith(
        "21 November 2026,"
    )


def test_a_supported_language_keeps_its_countrys_number_format():
    assert (
        display.amount(Money(129000, "CHF"), "it-CH")
        == f"CHF{NBSP}1\N{RIGHT SINGLE QUOTATION MARK}290.00"
    )
    assert display.amount(Money(12900, "EUR"), "en_US") == "€129.00"


def test_timestamps_name_their_time_zone():
    at = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
    assert display.moment(at, "it") == "22 novembre 2026, 00:30 CET"
    assert display.moment(at, "en") == "22 November 2026, 00:30 CET"
    assert display.moment(at, "en-US").startswith("22 November 2026, 00:30 ")
    summer = at.replace(month=7)
    assert display.moment(summer, "it").endswith(" CEST")
    assert display.moment(at, "en", timezone="Europe/Lisbon").split(", ")[1] == "23:30 WET"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("it-IT,it;q=0.9,en;q=0.8", "it"),
        ("fr-FR, en-GB;q=0.8", "en"),
        ("fr", "it"),
        ("", "it"),
    ],
)
def test_the_first_supported_language_is_preferred(accepted, language):
    assert display.preferred(accepted, otherwise="it") == language


@pytest.mark.parametrize(
    ("brand", "last4", "shown"),
    [
        ("visa", "4242", "Visa •••• 4242"),
        ("amex", "0005", "American Express •••• 0005"),
        ("cartes_bancaires", "1", "Cartes Bancaires •••• 1"),
        ("", "4242", "•••• 4242"),
        ("visa", "", "Visa"),
    ],
)
def test_cards_are_shown_by_brand_and_last_four_digits(brand, last4, shown):
    assert display.card_name(brand, last4) == shown


@pytest.mark.parametrize(
    ("locale", "shown"),
    [("it", "1 marzo 2027"), ("en", "1 March 2027"), ("en-US", "1 March 2027")],
)
def test_a_date_has_its_month_in_words(locale, shown):
    assert display.day(date(2027, 3, 1), locale) == shown


def test_a_short_date_has_an_abbreviated_month():
    assert display.short_day(date(2027, 1, 1), "it") == "1 gen 2027"
    assert display.short_day(date(2027, 1, 1), "en") == "1 Jan 2027"


@pytest.mark.parametrize(
    ("rate", "locale", "shown"),
    [
        ("9.99", "it", "9,99%"),
        ("9.995", "en", "10.00%"),
        ("1234.5", "it", "1.234,50%"),
        ("0", "en", "0.00%"),
    ],
)
def test_rates_have_two_places_rounded_half_up(rate, locale, shown):
    assert display.percent(Decimal(rate), locale) == shown


@pytest.mark.parametrize(
    ("major", "currency", "shown"),
    [
        ("0.02738", "EUR", "€0.0274"),
        ("1", "EUR", "€1.00"),
        ("0.00005", "EUR", "€0.0001"),
        ("2.5", "JPY", "JP¥2.5"),
    ],
)
def test_fractions_of_a_minor_unit_are_shown_with_more_decimals(major, currency, shown):
    assert display.fraction(Decimal(major), currency, "en") == shown
