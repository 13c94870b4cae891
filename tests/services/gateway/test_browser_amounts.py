"""Amounts that the web component shows, in a real browser."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2
from libs.money import CURRENCIES, exponent
from tests.browser import needs_chromium
from tests.conftest import ROOT
from tests.services.gateway.test_browser import (
    PAYMENT,
    SESSION,
    answers,
    open_component,
    payment,
    session,
    shop,
)

__all__ = ["shop"]  # the fixture
pytestmark = needs_chromium


def test_the_components_know_the_decimal_places_of_every_currency():
    script = (ROOT / "services/gateway/static/elements/element.js").read_text()
    lines = re.findall(r'\[(\d), "([A-Z ]+)"\]', script)
    places = {code: int(digits) for digits, codes in lines for code in codes.split()}
    assert places == {code: exponent(code) for code in CURRENCIES if exponent(code) != 2}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (money_pb2.Money(amount_minor=1_500_000, currency="HUF"), "HUF 15,000.00"),
        (money_pb2.Money(amount_minor=90_000_000, currency="IDR"), "IDR 900,000.00"),
        (money_pb2.Money(amount_minor=60_000, currency="JPY"), "¥60,000"),
        (money_pb2.Money(amount_minor=60_000, currency="KWD"), "KWD 60.000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_button_formats_the_amount_for_its_currency(shop, amount, text, tab):
    found = session()
    found.amount.CopyFrom(amount)
    answers(shop, get=found)
    component = await open_component(tab, shop)
    button = component.get_by_role("button")
    await expect(button).to_have_text(f"Pay {text} with •••• 4242".replace("\xa0", " "))


async def test_a_reduced_order_shows_its_new_amount(shop, tab):
    held = payment(
        PAYMENT.STATE_AUTHORISED, capture=payments_pb2.CAPTURE_MODE_DELAYED, capturable_minor=4490
    )
    held.capture_at.FromDatetime(datetime.now(UTC) + timedelta(minutes=15))
    answers(shop, get=session(SESSION.STATE_PAID, payment=held))
    component = await open_component(tab, shop)
    await expect(component.get_by_role("status")).to_contain_text("Order placed: €44.90")
