"""The page of a plan: what it says in each state."""

import re

import pytest

from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay.plan_view import money
from tests.services.gateway.instalment_samples import EXAMPLE, WARNING, credit
from tests.services.gateway.plan_samples import (
    BACK,
    PAID,
    PATH,
    PLAN,
    STATES,
    show,
    signed,
)

FORMS = ("sign", "documents/agreement", "documents/information", "documents/receipt")


async def html(gateway, path=PATH, status=200):
    async with gateway.request("GET", path, key=None) as response:
        assert response.status == status, path
        return await response.text()


@pytest.mark.parametrize("name", STATES)
async def test_looking_at_a_plan_changes_nothing(gateway, name):
    show(gateway, STATES[name]())
    for method in ("GET", "HEAD"):
        for path in (PATH, *(f"{PATH}/{form}" for form in FORMS)):
            async with gateway.request(method, path, key=None) as response:
                assert response.status == (200 if path == PATH else 303)
    assert {seen.name for seen in gateway.services.seen} == {"GetPlanPage"}


@pytest.mark.parametrize("name", STATES)
async def test_only_credit_shows_the_warning_and_the_example(gateway, name):
    page = STATES[name]()
    show(gateway, page)
    text = await html(gateway)
    for words in (WARNING, EXAMPLE):
        assert (words[page.locale][:20] in text) == page.plan.offer.HasField("warning")
    assert "checked" not in text.partition('name="consent"')[2]


@pytest.mark.parametrize("name", ["processing", "confirm"])
async def test_a_plan_with_a_payment_in_progress_polls_for_changes(gateway, name):
    """Without scripts, the page reloads while it is processing; with them, it polls for changes."""
    show(gateway, STATES[name]())
    async with gateway.request("GET", PATH, key=None) as response:
        text, tag = await response.text(), response.headers["ETag"]
        assert "Refresh" not in response.headers
    assert ('<noscript><meta http-equiv="refresh"' in text) == (name == "processing")
    assert f"data-looks={tag}" in text
    show(gateway, signed(PLAN.STATE_ACTIVE, PAID))
    async with gateway.request("HEAD", PATH, key=None) as response:
        assert response.headers["ETag"] != tag
    assert "data-looks" not in await html(gateway)


async def test_a_partners_plan_links_to_the_partner_and_has_none_of_our_documents(gateway):
    """It shows every cost beforehand, and no box is pre-ticked."""
    show(gateway, STATES["of-partner"]())
    text = await html(gateway)
    for one in ("Klarna", f'action="{PATH}/partner"', 'name="email"', credit("it").warning):
        assert one in text
    for part in credit("it").schedule:
        assert money(part.amount_minor, "EUR", "it") in text
    for never in ("/documents/", "/sign", "checked"):
        assert never not in text
    show(gateway, STATES["at-partner"]())
    assert 'href="https://klarna.example/agree"' in await html(gateway)
    show(gateway, STATES["financed"]())
    assert "Klarna" in await html(gateway)


@pytest.mark.parametrize(
    ("name", "offered"), [("at-partner", 1), ("confirm", 1), ("confirm-part", 0)]
)
async def test_an_undecided_customer_at_the_partner_or_bank_can_pay_another_way(
    gateway, name, offered
):
    show(gateway, STATES[name]())
    assert (await html(gateway)).count(f'href="{BACK}"') == offered


async def test_an_unavailable_partners_plan_links_to_the_shop(gateway):
    absent = STATES["of-partner"]()
    absent.takes_partner = False
    show(gateway, absent)
    text = await html(gateway)
    assert "/partner" not in text
    assert 'href="https://bottega.example"' in text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "late",
            [
                "non pagato, nuovo tentativo il 29 dicembre 2026, 10:00 CET",
                "spesa di ritardo di 5,00 €",
            ],
        ),
        ("cancelled", ["non dovuto"]),
        ("expired", ["non dovuto"]),
        ("in-review", ["dopo la firma"]),
        ("withdrawn", ["31 dicembre 2026", "161,25 €", "Ricevuta del recesso"]),
        ("written-off", ["Sulla tua carta non viene più addebitato nulla", "non pagato"]),
        ("refunded", ["È stato rimborsato tutto", "53,33 € rimborsati", "non dovuto"]),
        ("confirm-part", ["La banca vuole essere sicura che sia tu.<"]),
    ],
)
async def test_each_part_shows_its_state(gateway, name, expected):
    show(gateway, STATES[name]())
    text = re.sub(r"\s+", " ", await html(gateway))
    for words in expected:
        assert words in text
    charged = text.count("addebito automatico")
    assert charged == {"late": 3, "confirm-part": 1}.get(name, 0)


async def test_a_partly_refunded_part_shows_the_refunded_amount(gateway):
    found = STATES["active"]()
    found.plan.instalments[0].refunded_minor = 2000
    show(gateway, found)
    assert "pagato, 20,00 € rimborsati" in (await html(gateway)).replace("\xa0", " ")


@pytest.mark.parametrize("name", ["refunded", "withdrawn"])
async def test_outdated_figures_of_the_offer_are_not_shown(gateway, name):
    show(gateway, STATES[name]())
    text = await html(gateway)
    assert "Costo per te" not in text
    assert ("plan-picture" in text) == (name == "withdrawn")  # no chart if nothing is left


async def test_a_plan_that_is_unavailable_refreshes_itself(gateway):
    for refusal in (OutcomeUnknown(), RemoteRefusal(Kind.INTERNAL, "internal_error", "Oh.")):
        show(gateway, refusal)
        async with gateway.request("GET", PATH, key=None) as response:
            assert (response.status, response.headers["Refresh"]) == (503, "3")
