"""Text that people wrote is isolated on every page: a Hebrew name does not reorder the amount beside it."""

import re

import pytest

from tests.services.gateway.pay_samples import STATES
from tests.services.gateway.test_pay_page import answer, html

# A text is isolated by its tag or, within a sentence of ours, by an isolate character.
ALONE = re.compile(r'(?:\u2068|<bdi[^>]*>|<[a-z0-9]+ [^>]*dir="auto"[^>]*>)$')


@pytest.mark.parametrize("name", STATES)
async def test_right_to_left_text_is_isolated_in_every_state(gateway, name):
    found = STATES[name]()
    link = found.payment_link
    found.merchant.name, link.description, link.order_reference = "חנות", "משקפיים", "אב12"
    for item in link.line_items:
        item.name = "עדשה"
    if link.HasField("quote"):
        link.quote.title, link.quote.text = "הצעה", "טקסט"
    answer(gateway, found)
    text = await html(gateway)
    assert "חנות" in text
    for word in ("חנות", "משקפיים", "אב12", "עדשה", "הצעה", "טקסט"):
        for place in re.finditer(word, text):
            before = text[max(0, place.start() - 200) : place.start()]
            assert ALONE.search(before), before[-80:] + word
