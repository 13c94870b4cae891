"""Pages without a decision: each states the situation, names its time zones, and offers a next step."""

import re

import pytest

from services.gateway.pay import view
from tests.services.gateway.pay_samples import PATH, STATES, VIEWS
from tests.services.gateway.test_pay_page import answer, html

WAYS_OUT = {
    "confirm": ["/give-up", "https://bank.example/challenge"],
    "confirm-nowhere": ["/give-up"],
    "processing": [f'href="{PATH}"'],
    "pending": [f'href="{PATH}"'],
    "transfer": ["/withdraw-transfer"],
    "instalments": ["/give-up", 'href="/plan/3xK9mQ2vT7bN4cR8wZ1pLe"'],
    "processing-plan": ["/give-up"],
    "open-nothing": [f'href="{PATH}"'],
}


def test_every_waiting_view_is_checked_for_its_ways_out():
    assert {VIEWS[name] for name in WAYS_OUT} >= set(view.WAITING)


@pytest.mark.parametrize("name", WAYS_OUT)
async def test_every_waiting_view_offers_a_next_step_and_the_merchants_contact(gateway, name):
    answer(gateway, STATES[name]())
    text = await html(gateway)
    for way in WAYS_OUT[name]:
        assert way in text
    assert "Bottega Verdi can look it up for you." in text
    assert 'href="https://bottega.example"' in text
    assert 'href="mailto:ciao@bottega.example"' in text
    if name not in ("transfer", "open-nothing"):  # the reference to quote to the merchant
        assert "06f2" in text


@pytest.mark.parametrize("name", [name for name in STATES if name != "confirm-nowhere"])
async def test_every_time_names_its_time_zone(gateway, name):
    answer(gateway, STATES[name]())
    text = re.sub(r"<[^>]+>", " ", await html(gateway))
    shown_times = re.findall(r"\b\d\d:\d\d\b.{0,5}", text)
    assert all(" CET" in one for one in shown_times), shown_times
    assert len(re.findall(r"\b20\d\d\b", text)) >= len(shown_times)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("expired-late", "€129.00 arrived by transfer after this link had expired."),
        ("expired-part", "€70.00 of it has arrived by transfer, the rest was not paid."),
        ("expired-part-new", "We can send a link for the rest to g•••@example.com."),
        ("cancelled-late", "€129.00 arrived by transfer after Bottega Verdi had withdrawn"),
        ("cancelled-part", "€70.00 of it had arrived by transfer: ask Bottega Verdi"),
    ],
)
async def test_an_ended_link_states_the_amount_received_for_it(gateway, name, expected):
    answer(gateway, STATES[name]())
    text = await html(gateway)
    assert expected in text
    assert "nothing was charged" not in text.lower()
