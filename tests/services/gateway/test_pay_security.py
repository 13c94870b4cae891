"""What strangers, merchants and shoppers may try with the shopper pages, and what traces they leave."""

import re

import pytest
from prometheus_client import generate_latest

from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import descriptors
from services.gateway.openapi import comments
from services.gateway.pay import view
from services.gateway.pay.texts import REFUSALS
from tests.services.gateway import pay_samples as samples
from tests.services.gateway import shop_samples
from tests.services.gateway.pay_samples import LINK, PATH, STATES, TOKEN, TRY, shown

NASTY = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
SCRIPT_ADDRESSES = [
    "javascript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "http:",
    "http://[",
]
OURS = {"Sec-Fetch-Site": "same-origin"}
SHOP = "/shop/bottega"


async def html(gateway, path=PATH):
    async with gateway.request("GET", path, key=None) as response:
        assert response.status == 200
        return await response.text()


def nasty_pages():
    """Every text that a merchant or a shopper can write, in every place where it is shown."""
    quote = samples.quote(accepted=False)
    quote.MergeFrom(paylink_pb2.Quote(title=NASTY, text=NASTY, version=NASTY))
    accepted = samples.quote(accepted=True)
    accepted.title = NASTY
    card = samples.visa(NASTY)
    card.card.brand = NASTY
    link = {
        "description": NASTY,
        "order_reference": NASTY,
        "line_items": [paylink_pb2.LineItem(name=NASTY, quantity=2, unit_amount_minor=1)],
    }
    details = samples.transfer()
    details.MergeFrom(
        pages_pb2.TransferDetails(holder=NASTY, iban=NASTY, bic=NASTY, creditor_reference=NASTY)
    )
    field = pages_pb2.CardField(
        psp=NASTY, psp_account=NASTY, publishable_key=NASTY, field_url=f"https://x.example/{NASTY}"
    )
    common = {
        "merchant": samples.merchant(name=NASTY, reply_to=NASTY, logo_id=NASTY, website_url=NASTY),
        "transfer": details,
        "card_field": field,
        "form_key": NASTY,
        "new_link_recipient": NASTY,
    }
    tried = samples.tried(TRY.STATE_SUCCEEDED, card=offer_pb2.OfferedCard(brand=NASTY, last4=NASTY))
    tried.use = NASTY
    return [
        samples.page(payment_link=samples.link(quote=quote, **link), **common),
        samples.page(
            payment_link=samples.link(quote=accepted, **link), saved_cards=[card, card], **common
        ),
        samples.page(payment_link=samples.link(LINK.STATE_PAID, **link), payment=tried, **common),
        samples.page(payment_link=samples.link(LINK.STATE_EXPIRED, **link), **common),
    ]


@pytest.mark.parametrize("number", range(4))
async def test_hostile_text_is_escaped(gateway, number):
    gateway.services.answers["GetPayPage"] = shown(nasty_pages()[number])
    text = await html(gateway, f"{PATH}?use=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert not re.search(r'=""[^ >]', text)  # no attribute ends early
    assert "49" not in re.findall(r"</script>\s*(\d+)", text)


async def test_hostile_text_in_a_shop_and_in_typed_fields_is_escaped(gateway):
    shop = shop_samples.shop()
    shop.MergeFrom(pages_pb2.GetShopPageResponse(title=NASTY, description=NASTY, form_key=NASTY))
    for product in shop.products:
        product.name = product.description = NASTY
    gateway.services.answers["GetShopPage"] = shop
    assert "<script>alert" not in await html(gateway, SHOP)
    typed = {"email": NASTY, "name": NASTY, "form_key": "", "quantity-prd_1": NASTY}
    async with gateway.request("POST", f"{SHOP}/buy", key=None, data=typed) as response:
        assert response.status == 422
        assert "<script>alert" not in await response.text()


@pytest.mark.parametrize("url", SCRIPT_ADDRESSES)
async def test_script_urls_from_merchants_and_psps_are_not_linked(gateway, url):
    paid = samples.paid()
    paid.payment_link.success_url = paid.merchant.website_url = url
    confirming = samples.confirming()
    confirming.payment.next_action.url = url
    cancelled = STATES["cancelled"]()
    cancelled.merchant.website_url = url
    for page, seen in ((paid, "paid"), (confirming, "processing"), (cancelled, "cancelled")):
        gateway.services.answers["GetPayPage"] = shown(page)
        text = await html(gateway)
        assert f'data-view="{seen}"' in text
        assert f'href="{url}' not in text
    assert view.web_address("https://bottega.example/grazie?x=1")


STRANGE = [
    "%0D%0ASet-Cookie:%20a=b",
    "%FF%FE",
    "%2F%2Fevil.example",
    "..%2F..%2Fx",
    "%F0%9F%98%80",
    "%00",
]


@pytest.mark.parametrize("strange", STRANGE)
async def test_strange_addresses_cannot_redirect_off_the_pages_or_add_headers(gateway, strange):
    gateway.services.answers |= {
        "PayByCard": pages_pb2.PayByCardResponse(payment=pages_pb2.PagePayment(use="a\r\nB: c")),
        "GetReturnPage": pages_pb2.GetReturnPageResponse(token="//evil\r\nB: c", use="\r\n"),
        "BuyProduct": pages_pb2.BuyProductResponse(token="//evil\r\nB: c"),
    }
    form = {"form_key": "k", "use": "x\r\nSet-Cookie: a=b", "product_id": "p"}
    asked = [
        ("GET", f"/p/{strange}/pay?lang=it"),
        ("POST", f"/p/{strange}/pay?lang={strange}"),
        ("POST", f"/p/{strange}/rate"),
        ("GET", f"/p/return/{strange}"),
        ("GET", f"/shop/{strange}/buy"),
        ("POST", f"/shop/{strange}/buy?lang={strange}"),
    ]
    for method, path in asked:
        data = form if method == "POST" else None
        async with gateway.request(method, path, key=None, data=data, headers=OURS) as response:
            assert response.status in (303, 404, 422), path
            assert re.match(r"/(p|shop)/[^/]|$", response.headers.get("Location", "")), path
            assert "Set-Cookie" not in response.headers
            assert "B" not in response.headers


async def test_a_huge_query_is_refused_without_a_lookup(gateway):
    gateway.services.answers["GetPayPage"] = shown(samples.page())
    async with gateway.request("GET", f"{PATH}?use={'x' * 100_000}", key=None) as response:
        assert response.status == 431
    assert gateway.services.calls("GetPayPage") == 0
    assert 'data-view="open"' in await html(gateway, PATH + "?" + "lang=it&" * 900)


@pytest.mark.parametrize("path", [PATH, "/p/nobody", SHOP, f"{PATH}/stop-reminders"])
async def test_pages_forbid_framing_caching_and_referrers(gateway, path):
    gateway.services.answers |= {
        "GetPayPage": lambda request: (
            samples.UNKNOWN if request.token == "nobody" else shown(samples.page())
        ),
        "GetShopPage": shop_samples.shop(),
    }
    async with gateway.request("GET", path, key=None) as response:
        headers = response.headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    assert "base-uri 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers


async def test_streams_have_the_headers_of_pages(new_gateway):
    async with (
        new_gateway(public_url="https://pay.example") as gateway,
        gateway.request("GET", f"{PATH}/events?version=0", key=None) as response,
    ):
        assert response.content_type == "text/event-stream"
        assert "Server" not in response.headers
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Strict-Transport-Security" in response.headers


async def test_tokens_do_not_appear_in_metrics_or_traces(gateway, recorded_spans):
    page = samples.page()
    gateway.services.answers |= {
        "GetPayPage": shown(page),
        "GetReturnPage": pages_pb2.GetReturnPageResponse(token=TOKEN),
        "MarkSeen": ValueError("a fault"),
    }
    for method, path in (
        ("GET", PATH),
        ("GET", f"{PATH}?use=secret-use"),
        ("GET", f"/p/return/{TOKEN}"),
        ("GET", f"{PATH}/stop-reminders"),
        ("POST", f"{PATH}/pay"),
        ("POST", f"{PATH}/seen"),
        ("GET", f"{PATH}/strange/address"),
        ("PATCH", PATH),
    ):
        async with gateway.request(method, path, key=None, headers=OURS):
            pass
    found = recorded_spans.get_finished_spans()
    routes = {span.attributes["http.route"] for span in found if "http.route" in span.attributes}
    assert "/p/{token}" in routes
    traces = "".join(span.to_json() for span in found)
    for text in (traces, generate_latest().decode()):
        assert TOKEN not in text
        assert "secret-use" not in text


def test_every_refusal_named_in_the_contract_has_a_message():
    service = descriptors.service("incasso.paylink.v1.PayPagesService")
    named = set()
    for rpc in service.methods:
        named |= {
            code for code, _ in re.findall(r"([a-z_]+) \((\d+)\)", comments.of(rpc.full_name))
        }
    pages = {"payment_link_not_found", "shop_not_found"}  # have their own page
    assert len(named) > 10
    assert named - pages <= REFUSALS.keys()


def test_a_payments_number_is_its_id_in_groups_of_four():
    tried = TRY(id="lpy_06f2k8q4v0t1m9z7c3x5b6n8d4", payment_id="pay_06f2k8q4v0t1m9z7c3x5b6n8d5")
    assert " ".join(view.number_of(tried)) == "06f2 k8q4 v0t1 m9z7 c3x5 b6n8 d5"
    assert payments_pb2.Payment(id="pay_" + "".join(view.number_of(tried))).id == tried.payment_id
    tried.ClearField("payment_id")
    assert view.number_of(tried)[-1] == "d4"
