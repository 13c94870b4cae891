"""Every country has an existing zone."""

from babel.core import get_global

from libs import time_zones
from services.merchants.rules.time_zones import of_country


def test_each_country_has_a_known_time_zone():
    of = {
        country: of_country(country)
        for country in get_global("territory_zones")
        if len(country) == 2
    }
    assert set(of.values()) <= time_zones.known()
    without = {country for country, zone in of.items() if zone == time_zones.UTC}
    assert without == {"AQ", "UM", "ZZ"}  # without a zone of their own
