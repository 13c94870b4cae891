"""GET /p/{token}: every state, in two languages, changing nothing."""

import re

import pytest

from incasso.paylink.v1 import pages_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay.texts import DECLINES, REFUSALS, WORDS
from tests.services.gateway import pay_pieces
from tests.services.gateway import pay_samples as samples
from tests.services.gateway.pay_samples import PATH, STATES, TOKEN, UNKNOWN, USE, VIEWS, shown


def answer(gateway, found):
    gateway.services.answers["GetPayPage"] = shown(found)


async def html(gateway, path=PATH, *, language="en", status=200, method="GET"):
    headers = {"Accept-Language": language}
    async with gateway.request(method, path, key=None, headers=headers) as response:
        assert response.status == status, await response.text()
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in response.headers["X-Robots-Tag"]
        return await response.text()


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize("name", STATES)
async def test_every_state_has_its_page(gateway, name, language):
    answer(gateway, STATES[name]())
    text = await html(gateway, language=language)
    view = VIEWS[name]
    assert f'data-view="{view}"' in text
    assert f'<html lang="{language}">' in text
    assert "{" not in re.sub(r"(?s)<style.*?</style>", "", text)
    words = WORDS[language]
    if view not in ("open", "quote"):
        assert words[f"{view}_title"] in text.replace("&#39;", "'")
    seen = gateway.services.last("GetPayPage")
    assert (seen.request.token, seen.call.merchant_id, seen.call.caller) == (TOKEN, "", "gateway")


@pytest.mark.parametrize("name", ["processing", "pending", "transfer"])
async def test_a_pending_page_is_no_error_and_refreshes_without_javascript(gateway, name):
    answer(gateway, STATES[name]())
    text = await html(gateway)
    assert "You do not need to pay again" in text
    assert '<noscript><meta http-equiv="refresh"' in text
    assert 'role="alert"' not in text
    assert 'action="/p/' not in text or name == "transfer"


async def test_a_receipt_after_a_part_payment_shows_earlier_and_current_amounts(gateway):
    found = samples.paid()
    found.payment_link.amount_due.amount_minor = 0
    found.payment.link_payment.amount.amount_minor = 2900
    answer(gateway, found)
    text = re.sub(r"<[^>]+>", " ", await html(gateway))
    assert re.search(r"Total\s+€129.00\s+Already received by transfer\s+-€100.00", text)
    assert re.search(r"Paid now\s+€29.00", text)
    assert "Still to pay" not in text


async def test_every_cost_is_shown_before_paying(gateway):
    answer(gateway, samples.deposit())
    text = await html(gateway)
    for piece in (
        "€119.00",
        "2 × €7.50",
        "-€5.00",
        "€129.00",
        "€39.00",
        "€90.00",
        "21 December 2026, 10:30 CET",
    ):
        assert piece in text
    assert f'name="offer" value="{samples.OFFER}"' in text
    assert "shown_minor" not in text
    assert 'name="psp_account"' not in text
    answer(gateway, STATES["open-partial"]())
    text = await html(gateway)
    assert "Already received by transfer" in text
    assert "Pay €79.00" in text


async def test_nothing_can_be_paid_before_the_quote_is_accepted(gateway):
    answer(gateway, STATES["quote"]())
    text = await html(gateway)
    assert f'name="text_sha256" value="{pay_pieces.SHA}"' in text
    assert f'{PATH}/pay"' not in text
    assert "announce-transfer" not in text
    changed = samples.quote(accepted=True)
    changed.text_sha256 = "cd" * 32
    answer(gateway, samples.page(payment_link=samples.link(quote=changed)))
    assert 'data-view="quote"' in await html(gateway)


async def test_the_challenge_is_a_link_to_the_bank(gateway):
    answer(gateway, samples.confirming())
    assert 'href="https://bank.example/challenge"' in await html(gateway)


async def test_text_from_the_merchant_is_escaped(gateway):
    nasty = "<script>alert(1)</script>"
    found = samples.page(
        payment_link=samples.link(description=nasty, order_reference=nasty),
        merchant=samples.merchant(name=nasty, primary_colour="red;} body{display:none"),
    )
    answer(gateway, found)
    text = await html(gateway)
    assert "<script>alert" not in text
    assert "display:none" not in text


@pytest.mark.parametrize("code", payments_pb2.DeclineCode.values())
@pytest.mark.parametrize("language", ["en", "it"])
async def test_a_decline_is_explained_in_the_shoppers_language(gateway, code, language):
    answer(gateway, samples.declined(code))
    text = (await html(gateway, language=language)).replace("&#39;", "'")
    assert WORDS[language][DECLINES[code]] in text
    assert WORDS[language]["nothing_charged"] in text
    assert f'action="{PATH}/pay"' in text


@pytest.mark.parametrize("code", REFUSALS)
async def test_every_refusal_shows_its_message(gateway, code):
    answer(gateway, samples.page())
    text = await html(gateway, f"{PATH}?notice={code}")
    assert WORDS["en"][REFUSALS[code]] in text.replace("&#39;", "'")
    assert "role" in text


async def test_an_unknown_message_code_is_not_shown(gateway):
    answer(gateway, samples.page())
    assert "hacked" not in await html(gateway, f"{PATH}?notice=hacked")


def test_both_languages_have_the_same_texts_and_placeholders():
    assert WORDS["en"].keys() == WORDS["it"].keys()
    for name, text in WORDS["en"].items():
        fields = set(re.findall(r"\{\w+\}", text))
        assert fields == set(re.findall(r"\{\w+\}", WORDS["it"][name])), name
    used = {*REFUSALS.values(), *DECLINES.values()}
    assert used <= WORDS["en"].keys()
    assert not set(dir(dict)) & WORDS["en"].keys()


@pytest.mark.parametrize(
    ("query", "accepted", "locale", "language"),
    [
        ("", "", "it", "it"),
        ("", "", "de", "en"),
        ("", "de, en;q=0.5", "it", "en"),
        ("", "fr", "it-CH", "it"),
        ("?lang=it", "en", "en", "it"),
        ("?lang=xx", "en", "it", "en"),
    ],
)
async def test_the_page_uses_the_shoppers_language(gateway, query, accepted, locale, language):
    answer(gateway, samples.page(payment_link=samples.link(locale=locale)))
    text = await html(gateway, PATH + query, language=accepted)
    assert f'<html lang="{language}">' in text
    assert ("?lang=it" in text) == (query == "?lang=it" or language == "en")


async def test_a_reusable_link_shows_a_payment_only_to_its_payer(gateway):
    reusable = samples.paid()
    reusable.payment_link.reusable = True
    reusable.payment_link.state = samples.LINK.STATE_SENT
    answer(gateway, reusable)
    text = await html(gateway)
    assert 'data-view="open"' in text
    assert "data-live" not in text  # a shopper who is deciding is not disturbed by the others
    text = await html(gateway, f"{PATH}?use={USE}")
    assert 'data-view="paid"' in text
    assert gateway.services.last("GetPayPage").request.use == USE


async def test_viewing_the_page_repeatedly_changes_nothing(gateway):
    answer(gateway, samples.page())
    gateway.services.answers["WaitForPayPage"] = pages_pb2.WaitForPayPageResponse(version=7)
    for _ in range(10):
        for purpose in ({}, {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}):
            async with gateway.request("GET", PATH, key=None, headers=purpose) as response:
                assert response.status == 200
        async with gateway.request("HEAD", PATH, key=None) as response:
            assert response.status == 200
        async with gateway.request("OPTIONS", PATH, key=None) as response:
            assert response.status == 405
        for action in ("pay", "seen", "accept-quote", "new-link", "rate", "stop-reminders"):
            async with gateway.request("GET", f"{PATH}/{action}", key=None) as response:
                assert response.status in (200, 303)
            async with gateway.request("HEAD", f"{PATH}/{action}", key=None) as response:
                assert response.status in (200, 303)
    assert {seen.name for seen in gateway.services.seen} == {"GetPayPage"}


async def test_a_page_that_is_unavailable_refreshes_itself(gateway):
    for refusal in (OutcomeUnknown(), RemoteRefusal(Kind.INTERNAL, "internal_error", "Oh.")):
        gateway.services.answers["GetPayPage"] = refusal
        async with gateway.request("GET", PATH, key=None) as response:
            assert (response.status, response.headers["Refresh"]) == (503, "3")
            assert "you do not need to pay again" in await response.text()


async def test_every_unknown_address_gets_the_same_page(gateway):
    invalid = RemoteRefusal(Kind.INVALID, "invalid_argument", "Too long.")
    found = set()
    strange = (TOKEN, TOKEN[:-1], "x", "%00", "%F0%9F%98%80", "a" * 4000, "return", "_x")
    for refusal in (UNKNOWN, invalid):
        gateway.services.answers["GetPayPage"] = refusal
        for token in strange:
            text = await html(gateway, f"/p/{token}", status=404)
            found.add(re.sub(r'nonce="[^"]+"', "", text))
    assert len(found) == 1
    assert gateway.services.calls("GetPayPage") == 2 * (len(strange) - 1)
    # All were looked up, except the one that is too long, which the field rules refuse.


async def test_guessing_addresses_is_rate_limited(new_gateway):
    async with new_gateway(failures_per_second=0.1, failures_burst=3.0) as gateway:
        gateway.services.answers["GetPayPage"] = UNKNOWN
        for number in range(3):
            await html(gateway, f"/p/try-{number}", status=404)
        async with gateway.request("GET", "/p/try-4", key=None) as response:
            assert response.status == 429
            assert int(response.headers["Retry-After"]) >= 1
            assert "Too many attempts" in await response.text()
        for path in ("/p/try-5/pay", "/p/try-5/seen"):
            async with gateway.request("POST", path, key=None) as response:
                assert response.status == 429
        async with gateway.request("GET", "/p/try-5/events", key=None) as response:
            assert response.status == 429
        assert gateway.services.calls("GetPayPage") == 3


async def test_returning_from_the_bank_redirects_to_the_page(gateway):
    gateway.services.answers["GetReturnPage"] = pages_pb2.GetReturnPageResponse(
        token=TOKEN, use="u=1&x"
    )
    path = "/p/return/gAAAA-_b=?payment_intent=pi_1"
    async with gateway.request("GET", path, key=None) as response:
        assert response.status == 303
        assert response.headers["Location"] == f"{PATH}?use=u%3D1%26x"
    assert gateway.services.last("GetReturnPage").request.reference == "gAAAA-_b="
    gateway.services.answers["GetReturnPage"] = UNKNOWN
    assert "We do not know this address" in await html(gateway, path, status=404)


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("https://js.stripe.com/v3/", "script-src 'self' https://js.stripe.com https://*.js.st"),
        ("http://127.0.0.1:9/psp/field.js", "script-src 'self' http://127.0.0.1:9;"),
        ("https://x.example;script-src */a.js", "script-src 'self';"),
    ],
)
async def test_the_csp_allows_only_the_card_field_of_the_pages_psp(gateway, field, allowed):
    answer(gateway, samples.page(card_field=samples.sandbox_field(field)))
    async with gateway.request("GET", PATH, key=None) as response:
        policy = response.headers["Content-Security-Policy"]
        nonce = re.search(r"'nonce-([^']+)'", policy).group(1)
        assert f'<style nonce="{nonce}">' in await response.text()
    assert allowed in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    answer(gateway, samples.confirming())
    async with gateway.request("GET", PATH, key=None) as response:
        assert "frame-src" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("language", "label"), [("en", "VAT no."), ("it", "P. IVA")])
async def test_a_page_shows_the_sellers_legal_details(gateway, language, label):
    answer(gateway, samples.deposit())
    line = f"Bottega Verdi S.r.l. · Via Garibaldi 12, 10122 Torino · {label} IT12345670017"
    assert line in await html(gateway, language=language)
