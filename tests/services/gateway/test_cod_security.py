"""What strangers may try with the page of an order, and what others wrote on it."""

import re

import pytest

from incasso.cod.v1 import orders_pb2
from incasso.common.v1 import merchant_pb2
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay.cod_forms import ACTIONS
from tests.services.gateway.cod_samples import (
    ORDER,
    PATH,
    STATES,
    TOKEN,
    UNKNOWN,
    page,
    show,
    to_confirm,
)
from tests.services.gateway.test_cod_page import OURS, TYPED, html, post
from tests.services.gateway.test_pay_security import NASTY, SCRIPT_ADDRESSES, STRANGE


async def test_every_address_that_is_nobodys_looks_the_same(gateway):
    invalid = RemoteRefusal(Kind.INVALID, "invalid_argument", "Too long.")
    found = set()
    strange = (TOKEN, TOKEN[:-1], "x", "%00", "%F0%9F%98%80", "a" * 4000, "return", "_x")
    for refusal in (UNKNOWN, invalid):
        show(gateway, refusal)
        for token in strange:
            text = await html(gateway, f"/cod/{token}", status=404)
            found.add(re.sub(r'nonce="[^"]+"', "", text))
    assert len(found) == 1
    forms = ("ConfirmCodPage", "SendCodPageCode", "PayCodPageOnline", "PayCodPageDeposit")
    gateway.services.answers |= dict.fromkeys(forms, UNKNOWN)
    for form in ACTIONS:
        async with post(gateway, form, TYPED) as response:
            assert response.status == 404


async def test_whoever_tries_addresses_or_codes_is_slowed(new_gateway):
    async with new_gateway(failures_per_second=0.1, failures_burst=3.0) as gateway:
        statuses = set()
        for _ in range(200):
            async with post(gateway, "confirm", TYPED, path=PATH) as response:
                statuses.add(response.status)
            if 429 in statuses:
                break
        assert statuses == {303, 429}
        show(gateway, UNKNOWN)
        for number in range(3):
            await html(gateway, f"/cod/try-{number}", status=404)
        async with gateway.request("GET", "/cod/try-4", key=None) as response:
            assert response.status == 429
            assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (f"{PATH}).", PATH),
        (f"/COD/{TOKEN}", PATH),
        (f"//cod//{TOKEN}%20Grazie", PATH),
        (f"{PATH}/confirm.", f"{PATH}/confirm"),
    ],
)
async def test_a_broken_address_leads_to_the_page_that_was_meant(gateway, path, meant):
    async with gateway.request("GET", path, key=None) as response:
        assert (response.status, response.headers["Location"]) == (303, meant)
    assert gateway.services.seen == []


@pytest.mark.parametrize("name", ["confirm", "out", "refused"])
async def test_whatever_others_wrote_is_shown_as_text(gateway, name):
    found = STATES[name]()
    found.merchant.MergeFrom(
        merchant_pb2.ShownMerchant(
            name=NASTY, logo_id=NASTY, primary_colour=NASTY, website_url=NASTY, reply_to=NASTY
        )
    )
    found.order_reference = found.courier = found.town = found.form_key = NASTY
    found.code_sent_to = NASTY
    found.tracking_numbers[:] = [NASTY]
    found.lines[0].CopyFrom(orders_pb2.CodLine(name=NASTY, quantity=1, unit_amount_minor=1))
    show(gateway, found)
    text = await html(gateway, f"{PATH}?said=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert not re.search(r'=""[^ >]', text)


@pytest.mark.parametrize("url", SCRIPT_ADDRESSES)
async def test_no_merchant_can_make_the_page_run_an_address(gateway, url):
    found = page(ORDER.STATE_CONFIRMED)
    found.merchant.website_url = url
    show(gateway, found)
    assert f'href="{url}' not in await html(gateway)


@pytest.mark.parametrize("strange", STRANGE)
async def test_no_address_is_led_elsewhere_or_writes_headers(gateway, strange):
    for method in ("GET", "POST"):
        asked = gateway.request(method, f"/cod/{strange}/confirm", key=None, headers=OURS)
        async with asked as response:
            assert response.status in (200, 303, 404)
            assert re.match(r"/cod/[^/]|$", response.headers.get("Location", ""))
            assert "Set-Cookie" not in response.headers


async def test_no_page_of_an_order_can_be_framed_kept_or_followed(gateway):
    show(gateway, to_confirm())
    async with gateway.request("GET", PATH, key=None) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in headers


async def test_an_order_that_cannot_be_shown_now_looks_again(gateway):
    show(gateway, OutcomeUnknown())
    async with gateway.request("GET", PATH, key=None) as response:
        assert (response.status, response.headers["Refresh"]) == (503, "3")
