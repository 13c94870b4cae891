"""Instalments on the pay page: every cost before anything is agreed, and the form that chooses them."""

import re

import pytest

from incasso.paylink.v1 import pages_pb2
from libs.errors import FieldViolation, InvalidArgument, Kind, RemoteRefusal
from services.gateway.pay import view
from services.gateway.pay.texts import WORDS
from tests.services.gateway.pay_samples import (
    KEY,
    OFFER,
    PATH,
    PLAN,
    STATES,
    TRY,
    USE,
    in_parts,
    klarna,
    planned,
)
from tests.services.gateway.test_pay_forms import location
from tests.services.gateway.test_pay_page import answer, html


@pytest.fixture
async def gateway(new_gateway):
    """One per test: forms of one link are rate-limited, and those of other tests would count."""
    async with new_gateway() as own:
        yield own


PLANNED = {"form_key": KEY, "offer": OFFER, "terms_id": "trm_default", "use": ""}


async def test_choosing_a_plan_redirects_to_its_page_on_the_shoppers_host(gateway):
    chosen = pages_pb2.PagePayment(use=USE, plan_url="https://pay.example/plan/abc")
    gateway.services.answers["ChoosePlan"] = pages_pb2.ChoosePlanResponse(payment=chosen)
    assert await location(gateway, "choose-plan", PLANNED) == "/plan/abc"
    seen = gateway.services.last("ChoosePlan")
    assert (seen.request.terms_id, seen.request.offer) == ("trm_default", OFFER)
    assert seen.call.idempotency_key == KEY


async def test_a_guest_is_asked_for_the_signers_details_and_given_the_reason(gateway):
    answer(gateway, STATES["open-guest"]())
    text = await html(gateway, language="it")
    assert WORDS["it"]["instalments_why"].replace("'", "&#39;") in text
    assert "checked" not in text[text.index('class="signer"') :]
    answer(gateway, STATES["open-instalments"]())
    assert 'class="signer"' not in await html(gateway)
    chosen = pages_pb2.PagePayment(use=USE, plan_url="https://pay.example/plan/abc")
    gateway.services.answers["ChoosePlan"] = pages_pb2.ChoosePlanResponse(payment=chosen)
    typed = {"email": "anna@example.com", "name": "Anna Neri"}
    assert await location(gateway, "choose-plan", {**PLANNED, **typed}) == "/plan/abc"
    seen = gateway.services.last("ChoosePlan").request
    assert (seen.email, seen.name) == ("anna@example.com", "Anna Neri")


@pytest.mark.parametrize("field", ["email", "name"])
async def test_an_invalid_guest_detail_is_reported_at_its_field(gateway, field):
    gateway.services.answers["ChoosePlan"] = InvalidArgument(
        violations=(FieldViolation(field, "is required"),)
    )
    assert await location(gateway, "choose-plan", PLANNED) == f"{PATH}?notice={field}"
    answer(gateway, STATES["open-guest"]())
    text = await html(gateway, path=f"{PATH}?notice={field}")
    assert re.search(rf'name="{field}"[^>]*aria-invalid="true" aria-describedby="notice"', text)
    assert WORDS["en"][f"notice_{field}"] in text
    (opened,) = re.findall(
        r'<details class="method" name="method" open>.*?<small>', text, re.DOTALL
    )
    assert WORDS["en"]["instalments"] in opened


@pytest.mark.parametrize("url", ["", "https://pay.example//evil.example", "javascript:x"])
async def test_a_plan_without_a_usable_url_redirects_back_to_the_link(gateway, url):
    chosen = pages_pb2.PagePayment(use=USE, plan_url=url)
    gateway.services.answers["ChoosePlan"] = pages_pb2.ChoosePlanResponse(payment=chosen)
    assert await location(gateway, "choose-plan", PLANNED) == f"{PATH}?use={USE}"


@pytest.mark.parametrize(
    ("reason", "notice"),
    [
        ("instalments_not_offered", "instalments_not_offered"),
        ("terms_not_found", "terms_not_found"),
        ("too_many_plans", "too_many_plans"),
    ],
)
async def test_a_refused_plan_redirects_to_the_page_with_a_message(gateway, reason, notice):
    gateway.services.answers["ChoosePlan"] = RemoteRefusal(Kind.CONFLICT, reason, "No.")
    assert await location(gateway, "choose-plan", PLANNED) == f"{PATH}?notice={notice}"


async def test_the_price_of_a_missed_part_of_credit_has_its_warning_and_example(gateway):
    answer(gateway, STATES["open-part-of-credit"]())
    text = await html(gateway, language="en")
    link = STATES["open-part-of-credit"]().payment_link
    for words in (link.warning, link.representative_example):
        assert text.count(words) == 1  # in the plan's language, whatever the page's is
    assert text.index(link.warning) < text.index('class="price"')
    answer(gateway, STATES["open"]())
    assert link.warning not in await html(gateway)


@pytest.mark.parametrize("name", ["open-instalments", "open-credit"])
async def test_every_cost_of_instalments_is_shown_before_the_shopper_agrees(gateway, name):
    answer(gateway, STATES[name]())
    text = await html(gateway, language="it")
    inside = text[text.index('class="offer"') :]
    for offer in STATES[name]().instalments:
        assert f'name="terms_id" value="{offer.terms_id}"' in inside
        assert offer.legal_sentence in inside
        for part in offer.schedule:
            assert view.money(part.amount_minor, "EUR", "it") in inside
        for minor in (offer.total.amount_minor, offer.cost_minor):
            assert view.money(minor, "EUR", "it") in inside
        assert view.rate(offer.taeg, "it") in inside
    assert "checked" not in inside


async def test_an_offer_of_a_partner_names_the_partner(gateway):
    words = WORDS["en"]
    answer(gateway, STATES["open-partner"]())
    text = await html(gateway)
    assert words["instalments_how"] in text
    assert len(re.findall(r"4 × 41,25.{0,9} · .?Klarna", text)) == 2
    assert text.count(f"<small>{words['instalments_first']}</small>") == 1
    answer(gateway, in_parts(klarna()))
    text = await html(gateway)
    assert words["instalments_how"] not in text
    assert words["instalments_not_yet_partner"] in text
    for state, more in ((TRY.STATE_PROCESSING, {"plan_url": PLAN}), (TRY.STATE_SUCCEEDED, {})):
        answer(gateway, planned(state, partner="klarna", **more))
        assert "Klarna" in await html(gateway)


async def test_the_price_of_credit_is_always_shown_with_its_warning_and_example(gateway):
    """Not even in the part that is visible while it is closed."""
    answer(gateway, STATES["open-credit"]())
    text = await html(gateway, language="it")
    credit = STATES["open-credit"]().instalments[0]
    before = text[: text.index(credit.warning)]
    assert credit.label not in re.sub(r"(?s)<h3.*?</h3>", "", before)
    assert WORDS["it"]["no_extra"] not in text
    assert text.count(credit.warning) == text.count(credit.representative_example) == 2
    answer(gateway, STATES["open-instalments"]())
    text = await html(gateway)
    assert credit.warning not in text
    assert WORDS["en"]["no_extra"] in text
    assert re.search(r"or \W?3 × 53,34", text)
