"""The routes of payments' events."""

import pytest

from libs.payments import routes


@pytest.mark.parametrize(
    ("method", "saved", "route"),
    [
        ("one_click", True, "one_click.saved"),
        ("link", False, "link.unsaved"),
        ("", False, "other.unsaved"),
        ("a.b", True, "other.saved"),  # not allowed in a NATS subject
        ("*", True, "other.saved"),
    ],
)
def test_a_route_is_two_valid_subject_tokens(method, saved, route):
    assert routes.of(method, saved=saved) == route
