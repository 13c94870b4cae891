"""What strangers may try with the pages of plans and orders, and hostile text on them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from incasso.cod.v1 import orders_pb2
from incasso.common.v1 import merchant_pb2
from incasso.instalments.v1 import pages_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay import cod_forms
from tests.services.gateway import (
    cod_samples,
    plan_samples,
    test_cod_page,
    test_plan_forms,
    test_plan_page,
)
from tests.services.gateway.cod_samples import ORDER
from tests.services.gateway.plan_samples import PART, PLAN
from tests.services.gateway.test_pay_security import NASTY, SCRIPT_ADDRESSES, STRANGE

INVALID = RemoteRefusal(Kind.INVALID, "invalid_argument", "Too long.")


@dataclass(frozen=True)
class Page:
    root: str
    samples: Any
    html: Callable[..., Any]
    post: Callable[..., Any]
    typed: dict[str, str]
    forms: tuple[str, ...]
    rpc: str
    first_action: str

    @property
    def path(self) -> str:
        return self.samples.PATH

    @property
    def token(self) -> str:
        return self.samples.TOKEN

    @property
    def unknown(self) -> RemoteRefusal:
        return self.samples.UNKNOWN

    def show(self, gateway, answer) -> None:
        self.samples.show(gateway, answer)


PLAN_PAGE = Page(
    root="plan",
    samples=plan_samples,
    html=test_plan_page.html,
    post=test_plan_forms.post,
    typed=test_plan_forms.SIGNED,
    forms=tuple(test_plan_page.FORMS),
    rpc="GetPlanPage",
    first_action="sign",
)
ORDER_PAGE = Page(
    root="cod",
    samples=cod_samples,
    html=test_cod_page.html,
    post=test_cod_page.post,
    typed=test_cod_page.TYPED,
    forms=tuple(cod_forms.ACTIONS),
    rpc="GetCodPage",
    first_action="confirm",
)
OURS = test_cod_page.OURS


@pytest.fixture(params=[PLAN_PAGE, ORDER_PAGE], ids=["plan", "order"])
def page(request) -> Page:
    return request.param


async def test_every_unknown_address_gets_the_same_page(gateway, page):
    found = set()
    strange = (page.token, page.token[:-1], "x", "%00", "%F0%9F%98%80", "a" * 4000, "return", "_x")
    for refusal in (page.unknown, INVALID):
        page.show(gateway, refusal)
        for token in strange:
            text = await page.html(gateway, f"/{page.root}/{token}", status=404)
            found.add(re.sub(r'nonce="[^"]+"', "", text))
    assert len(found) == 1


async def test_every_form_of_an_unknown_order_is_not_found(gateway):
    rpcs = ("ConfirmCodPage", "SendCodPageCode", "PayCodPageOnline", "PayCodPageDeposit")
    gateway.services.answers |= dict.fromkeys(rpcs, ORDER_PAGE.unknown)
    cod_samples.show(gateway, ORDER_PAGE.unknown)
    for form in ORDER_PAGE.forms:
        async with ORDER_PAGE.post(gateway, form, ORDER_PAGE.typed) as response:
            assert response.status == 404


async def test_guessing_addresses_is_rate_limited(new_gateway, page):
    async with new_gateway(failures_per_second=0.1, failures_burst=3.0) as gateway:
        page.show(gateway, page.unknown)
        for number in range(3):
            await page.html(gateway, f"/{page.root}/try-{number}", status=404)
        async with gateway.request("GET", f"/{page.root}/try-4", key=None) as response:
            assert response.status == 429
            assert int(response.headers["Retry-After"]) >= 1
        for form in page.forms:
            path = f"/{page.root}/try-5"
            async with page.post(gateway, form, page.typed, path=path) as response:
                assert response.status == 429
        assert gateway.services.calls(page.rpc) == 3


async def test_guessing_confirmation_codes_is_rate_limited(new_gateway):
    async with new_gateway(failures_per_second=0.1, failures_burst=3.0) as gateway:
        statuses = set()
        for _ in range(200):
            confirming = ORDER_PAGE.post(gateway, "confirm", ORDER_PAGE.typed, path=ORDER_PAGE.path)
            async with confirming as response:
                statuses.add(response.status)
            if 429 in statuses:
                break
        assert statuses == {303, 429}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("{path}/", "{path}"),
        ("{path}).", "{path}"),
        ("/{upper}/{token}", "{path}"),
        ("//{root}//{token}%20Grazie", "{path}"),
        ("{path}/{action}.", "{path}/{action}"),
    ],
)
async def test_a_mangled_address_redirects_to_the_intended_page(gateway, page, path, meant):
    parts = {"path": page.path, "root": page.root, "upper": page.root.upper()}
    written = partial(str.format, **parts, token=page.token, action=page.first_action)
    async with gateway.request("GET", written(path), key=None) as response:
        assert (response.status, response.headers["Location"]) == (303, written(meant))
    assert gateway.services.seen == []


SHOWN = ("name", "logo_id", "primary_colour", "website_url", "reply_to")
SELLER = merchant_pb2.Seller(legal_name=NASTY, vat_number=NASTY, address=NASTY)
MERCHANT: dict[str, Any] = {**dict.fromkeys(SHOWN, NASTY), "seller": SELLER}


def nasty_plan(name: str) -> Any:
    found = plan_samples.STATES[name]()
    found.merchant.MergeFrom(pages_pb2.PlanMerchant(**MERCHANT))
    found.plan.order_reference = found.plan.offer.label = found.plan.offer.legal_sentence = NASTY
    found.form_key = NASTY
    for card in found.cards:
        card.card.brand = card.card.last4 = NASTY
    return found


def nasty_order(name: str) -> Any:
    found = cod_samples.STATES[name]()
    found.merchant.MergeFrom(merchant_pb2.ShownMerchant(**MERCHANT))
    found.order_reference = found.courier = found.town = found.form_key = NASTY
    found.code_sent_to = NASTY
    found.tracking_numbers[:] = [NASTY]
    found.lines[0].CopyFrom(orders_pb2.CodLine(name=NASTY, quantity=1, unit_amount_minor=1))
    return found


@pytest.mark.parametrize(
    ("page", "answer"),
    [
        *((PLAN_PAGE, partial(nasty_plan, name)) for name in ("sign-credit", "active", "refused")),
        *((ORDER_PAGE, partial(nasty_order, name)) for name in ("confirm", "out", "refused")),
    ],
    ids=lambda value: value.root if isinstance(value, Page) else value.args[0],
)
async def test_hostile_text_is_escaped(gateway, page, answer):
    page.show(gateway, answer())
    text = await page.html(gateway, f"{page.path}?notice=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert not re.search(r'=""[^ >]', text)


@pytest.mark.parametrize("url", SCRIPT_ADDRESSES)
async def test_script_urls_from_banks_and_merchants_are_not_linked(gateway, page, url):
    if page is PLAN_PAGE:
        action = payments_pb2.NextAction(type="redirect", url=url)
        answer = plan_samples.signed(PLAN.STATE_ACCEPTED, PART.STATE_COLLECTING, next_action=action)
        shown = 'data-view="plan-processing"'
    else:
        answer, shown = cod_samples.page(ORDER.STATE_CONFIRMED), "data-view="
    answer.merchant.website_url = url
    page.show(gateway, answer)
    text = await page.html(gateway)
    assert shown in text
    assert f'href="{url}' not in text


@pytest.mark.parametrize("strange", STRANGE)
async def test_strange_addresses_cannot_redirect_off_the_page_or_set_cookies(
    gateway, page, strange
):
    tried = [("GET", page.first_action), ("POST", page.first_action)]
    if page is PLAN_PAGE:
        tried.append(("POST", "documents/agreement"))
    for method, path in tried:
        asked = gateway.request(method, f"/{page.root}/{strange}/{path}", key=None, headers=OURS)
        async with asked as response:
            assert response.status in (200, 303, 404), path
            assert re.match(rf"/{page.root}/[^/]|$", response.headers.get("Location", ""))
            assert "Set-Cookie" not in response.headers


async def test_pages_forbid_framing_caching_referrers_and_indexing(gateway, page):
    sample = plan_samples.to_sign(plan_samples.plan(PLAN.STATE_OFFERED))
    page.show(gateway, sample if page is PLAN_PAGE else cod_samples.to_confirm())
    async with gateway.request("GET", page.path, key=None) as response:
        headers = response.headers
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "Set-Cookie" not in headers


async def test_a_page_that_is_unavailable_refreshes_itself(gateway, page):
    page.show(gateway, OutcomeUnknown())
    async with gateway.request("GET", page.path, key=None) as response:
        assert (response.status, response.headers["Refresh"]) == (503, "3")
