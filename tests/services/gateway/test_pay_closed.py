"""A link that takes no new cards, since too many were declined, says so and offers alternatives;
one whose instalment was paid in another way says that.
"""

import pytest

from tests.services.gateway.pay_samples import STATES
from tests.services.gateway.test_pay_page import answer, html


@pytest.mark.parametrize(
    ("name", "next_step"),
    [
        ("open-closed", "You can still pay in the other ways on this page"),
        ("open-closed-nothing", "for another way of paying, or try again tomorrow"),
    ],
)
async def test_a_page_closed_to_new_cards_names_the_next_step(gateway, name, next_step):
    answer(gateway, STATES[name]())
    text = await html(gateway)
    assert "no new one is taken for now" in text
    assert next_step in text
    assert "card-form" not in text
    assert "Cards cannot be taken right now" not in text


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "This instalment is paid"), ("it", "Questa rata è pagata")]
)
async def test_a_link_whose_instalment_is_paid_says_so(gateway, language, expected):
    answer(gateway, STATES["settled"]())
    text = await html(gateway, language=language)
    assert expected in text
    assert "card-form" not in text
