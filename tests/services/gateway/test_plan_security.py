"""What strangers may try with the page of a plan, and what others wrote on it."""

import re

import pytest

from incasso.instalments.v1 import pages_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.plan_samples import (
    PART,
    PATH,
    PLAN,
    STATES,
    TOKEN,
    UNKNOWN,
    plan,
    show,
    signed,
    to_sign,
)
from tests.services.gateway.test_pay_security import NASTY, SCRIPT_ADDRESSES, STRANGE
from tests.services.gateway.test_plan_forms import OURS, SIGNED, post
from tests.services.gateway.test_plan_page import FORMS, html


async def test_every_address_that_is_nobodys_looks_the_same(gateway):
    invalid = RemoteRefusal(Kind.INVALID, "invalid_argument", "Too long.")
    found = set()
    strange = (TOKEN, TOKEN[:-1], "x", "%00", "%F0%9F%98%80", "a" * 4000, "return", "_x")
    for refusal in (UNKNOWN, invalid):
        show(gateway, refusal)
        for token in strange:
            text = await html(gateway, f"/plan/{token}", status=404)
            found.add(re.sub(r'nonce="[^"]+"', "", text))
    assert len(found) == 1


async def test_whoever_tries_addresses_is_slowed(new_gateway):
    async with new_gateway(failures_per_second=0.1, failures_burst=3.0) as gateway:
        show(gateway, UNKNOWN)
        for number in range(3):
            await html(gateway, f"/plan/try-{number}", status=404)
        async with gateway.request("GET", "/plan/try-4", key=None) as response:
            assert response.status == 429
            assert int(response.headers["Retry-After"]) >= 1
        for form in FORMS:
            async with post(gateway, form, SIGNED, path="/plan/try-5") as response:
                assert response.status == 429
        assert gateway.services.calls("GetPlanPage") == 3


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (f"{PATH}/", PATH),
        (f"{PATH}).", PATH),
        (f"/PLAN/{TOKEN}", PATH),
        (f"//plan//{TOKEN}%20Grazie", PATH),
        (f"{PATH}/sign.", f"{PATH}/sign"),
    ],
)
async def test_a_broken_address_leads_to_the_page_that_was_meant(gateway, path, meant):
    async with gateway.request("GET", path, key=None) as response:
        assert (response.status, response.headers["Location"]) == (303, meant)
    assert gateway.services.seen == []


@pytest.mark.parametrize("name", ["sign-credit", "active", "refused"])
async def test_whatever_others_wrote_is_shown_as_text(gateway, name):
    page = STATES[name]()
    page.merchant.MergeFrom(
        pages_pb2.PlanMerchant(
            name=NASTY, logo_id=NASTY, primary_colour=NASTY, website_url=NASTY, reply_to=NASTY
        )
    )
    page.plan.order_reference = page.plan.offer.label = page.plan.offer.legal_sentence = NASTY
    page.form_key = NASTY
    for card in page.cards:
        card.card.brand = card.card.last4 = NASTY
    show(gateway, page)
    text = await html(gateway, f"{PATH}?said=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert not re.search(r'=""[^ >]', text)


@pytest.mark.parametrize("url", SCRIPT_ADDRESSES)
async def test_no_bank_and_no_merchant_can_make_the_page_run_an_address(gateway, url):
    action = payments_pb2.NextAction(type="redirect", url=url)
    page = signed(PLAN.STATE_ACCEPTED, PART.STATE_COLLECTING, next_action=action)
    page.merchant.website_url = url
    show(gateway, page)
    text = await html(gateway)
    assert 'data-view="plan-processing"' in text
    assert f'href="{url}' not in text


@pytest.mark.parametrize("strange", STRANGE)
async def test_no_address_is_led_elsewhere_or_writes_headers(gateway, strange):
    for method, path in (("GET", "sign"), ("POST", "sign"), ("POST", "documents/agreement")):
        asked = gateway.request(method, f"/plan/{strange}/{path}", key=None, headers=OURS)
        async with asked as response:
            assert response.status in (200, 303, 404), path
            assert re.match(r"/plan/[^/]|$", response.headers.get("Location", ""))
            assert "Set-Cookie" not in response.headers


async def test_no_page_of_a_plan_can_be_framed_kept_or_followed(gateway):
    show(gateway, to_sign(plan(PLAN.STATE_OFFERED)))
    async with gateway.request("GET", PATH, key=None) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in headers
