"""Fields that a caller did not set stay unchanged; an empty text clears an optional field."""

from dataclasses import dataclass

import pytest

from libs.dataclass_copies import copy_as, patched


@dataclass(frozen=True)
class Shop:
    id: str
    slug: str
    title: str | None
    places: int


@dataclass(frozen=True)
class Change:
    slug: str | None = None
    title: str | None = None
    places: int | None = None
    event: str | None = None  # not a field of the shop


SHOP = Shop("shp_1", "rossi", "Ottica Rossi", 3)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (Change(), SHOP),
        (Change(slug="verdi", event="close"), Shop("shp_1", "verdi", "Ottica Rossi", 3)),
        (Change(places=0), Shop("shp_1", "rossi", "Ottica Rossi", 0)),
        (Change(title=""), Shop("shp_1", "rossi", None, 3)),
        (Change(slug=""), Shop("shp_1", "", "Ottica Rossi", 3)),
    ],
)
def test_only_the_given_fields_change(change: Change, after: Shop):
    assert patched(SHOP, change) == after


def test_common_fields_are_copied_unless_given():
    asked = Change(slug="verdi", title="Ottica Verdi", places=2)
    assert copy_as(Shop, asked, id="shp_2", places=9) == Shop("shp_2", "verdi", "Ottica Verdi", 9)


def test_a_field_without_a_value_is_an_error():
    with pytest.raises(TypeError, match="id"):
        copy_as(Shop, Change())
