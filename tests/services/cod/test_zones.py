import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.errors import InvalidArgument
from services.cod.rules.zones import MOST_PATTERNS, Place, Zone, checked, place_of

WITHIN, UNKNOWN = Place.WITHIN, Place.UNKNOWN
OTHER_COUNTRY, OTHER_POSTCODE = Place.OTHER_COUNTRY, Place.OTHER_POSTCODE
MILAN = Zone("IT", postcodes=("20", "20900-20909"))
ISLANDS = Zone("IT", excluded_postcodes=("07-09", "90-98"))


@pytest.mark.parametrize(
    ("zones", "country", "postcode", "place"),
    [
        ((), "FR", None, WITHIN),
        ((Zone("IT"),), "IT", None, WITHIN),
        ((Zone("IT"),), "FR", "75001", OTHER_COUNTRY),
        ((MILAN,), "IT", "20121", WITHIN),
        ((MILAN,), "IT", "10121", OTHER_POSTCODE),
        ((MILAN,), "IT", None, UNKNOWN),
        ((MILAN,), "IT", " ", UNKNOWN),
        ((ISLANDS,), "IT", "09012", OTHER_POSTCODE),
        ((ISLANDS,), "IT", "99010", WITHIN),
        ((ISLANDS, MILAN), "IT", "20 121", WITHIN),
        ((MILAN, Zone("IT", postcodes=("10",))), "IT", "10121", WITHIN),
        (checked([Zone("GB", (" sw1 - sw9",))], "zones"), "GB", "sw1a 1aa", WITHIN),
        ((Zone("IT", postcodes=("20121-20123",)),), "IT", "20124", OTHER_POSTCODE),
        ((Zone("IT", postcodes=("20121",)),), "IT", "201", OTHER_POSTCODE),
    ],
)
def test_a_place_is_served_if_a_zone_of_its_country_includes_its_postcode(
    zones, country, postcode, place
):
    assert place_of(zones, country=country, postcode=postcode) is place


@pytest.mark.parametrize("pattern", ["", "-", "20-", "-20", "30-20", "2-30", "20 1", "20-30-40"])
def test_an_invalid_postcode_pattern_is_refused(pattern):
    with pytest.raises(InvalidArgument) as refused:
        checked([Zone("IT"), Zone("IT", excluded_postcodes=(pattern,))], "zones")
    assert refused.value.violations[0].field == "zones.1.excluded_postcodes.0"


def test_more_postcode_patterns_than_the_limit_are_refused():
    many = tuple(f"{number:03}" for number in range(200))
    zones = [Zone("IT", many, ()) for _ in range(MOST_PATTERNS // len(many))]
    assert checked(zones, "zones") == tuple(zones)
    with pytest.raises(InvalidArgument):
        checked([*zones, Zone("IT", excluded_postcodes=("2",))], "zones")


@given(st.integers(0, 99_999), st.integers(0, 99_999), st.integers(0, 99_999))
def test_a_range_has_all_between_its_ends(one, other, code):
    low, high = sorted((one, other))
    (zone,) = checked([Zone("IT", postcodes=(f"{low:05}-{high:05}",))], "zones")
    expected = WITHIN if low <= code <= high else OTHER_POSTCODE
    assert place_of([zone], country="IT", postcode=f"{code:05}") is expected
