"""A new card on the page of a plan: the PSP's field, its forms, and the bank's challenge."""

from html import unescape

import pytest
from playwright.async_api import expect

from incasso.instalments.v1 import pages_pb2
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay import texts
from tests.browser import check, needs_chromium
from tests.services.gateway.plan_samples import (
    PAID,
    PATH,
    PLAN,
    SHA,
    TOKEN,
    UNKNOWN,
    running,
    show,
    signed,
    to_sign,
    typed,
)
from tests.services.gateway.test_pay_security import SCRIPT_ADDRESSES
from tests.services.gateway.test_plan_forms import location, post
from tests.services.gateway.test_plan_page import html

CARD = {"psp_account": "sandbox-a", "card_token": "sbt_1", "form_key": "k-1"}
SIGNED = {**CARD, "agreement_sha256": SHA, "consent": "yes"}
BACK = "/plan/return/r"
Return = pages_pb2.GetPlanReturnResponse
BANK = "https://bank.example/challenge?a=1&b=2"


async def type_card(page):
    field = page.frame_locator("iframe")
    for name, text in (("number", "4242424242424242"), ("expiry", "12/34"), ("cvc", "123")):
        await field.locator(f"#{name}").fill(text)


def saved(gateway, url=""):
    answer = pages_pb2.SavePlanPageCardResponse(instrument_id="ins_new")
    if url:
        answer.next_action.url = url
    gateway.services.answers["SavePlanPageCard"] = answer


@pytest.mark.parametrize(
    ("form", "fields", "then"),
    [
        (
            "sign",
            {"agreement_sha256": SHA, "consent": "yes"},
            pages_pb2.SignPlanPageRequest(agreement_sha256=SHA, ip="127.0.0.1"),
        ),
        ("pay", {"part": "2:5333"}, pages_pb2.PayPlanPageRequest(number=2, amount_minor=5333)),
        ("new-card", {"part": "all:9"}, pages_pb2.PayPlanPageRequest(amount_minor=9)),
        ("new-card", {"part": ""}, pages_pb2.ReplacePlanPageCardRequest()),
        ("card", {}, pages_pb2.ReplacePlanPageCardRequest()),
    ],
)
async def test_a_new_card_is_saved_and_used_by_its_form(gateway, form, fields, then):
    saved(gateway)
    where = await location(gateway, form, {**CARD, **fields}, path=PATH)
    assert where.removesuffix("?notice=plan_card_replaced") == PATH
    first, second = gateway.services.seen
    assert first.request == pages_pb2.SavePlanPageCardRequest(
        token=TOKEN, psp_account="sandbox-a", card_token="sbt_1", ip="127.0.0.1"
    )
    assert first.call.idempotency_key == "k-1"
    then.token, then.instrument_id = TOKEN, "ins_new"
    assert second.request == then


async def test_no_card_is_saved_without_consent(gateway):
    where = await location(gateway, "sign", {**SIGNED, "consent": ""})
    assert where == f"{PATH}?notice=plan_consent"
    assert gateway.services.seen == []


async def test_a_withdrawal_form_saves_no_card(gateway):
    await location(
        gateway, "withdraw", {**CARD, "name": "x", "sent_to": "x@y.example", "confirm": "yes"}
    )
    assert gateway.services.calls("SavePlanPageCard") == 0


@pytest.mark.parametrize(
    ("field", "value", "notice"),
    [
        ("form_key", "", "idempotency_key_missing"),
        ("psp_account", "", "invalid_argument"),
        ("psp_account", "a" * 61, "invalid_argument"),
        ("card_token", "a b", "invalid_argument"),
        ("card_token", "a" * 256, "invalid_argument"),
    ],
)
async def test_a_card_with_one_wrong_field_saves_and_signs_nothing(gateway, field, value, notice):
    assert await location(gateway, "sign", {**SIGNED, field: value}) == f"{PATH}?notice={notice}"
    assert gateway.services.seen == []


@pytest.mark.parametrize(
    ("refusal", "notice"),
    [
        (RemoteRefusal(Kind.UNPROCESSABLE, "instrument_refused", "No."), "instrument_refused"),
        (RemoteRefusal(Kind.CONFLICT, "too_many_instruments", "No."), "too_many_instruments"),
        (RemoteRefusal(Kind.CONFLICT, "too_many_declines", "No."), "too_many_declines"),
        (RemoteRefusal(Kind.CONFLICT, "customer_erased", "No."), "customer_erased"),
        (RemoteRefusal(Kind.UNAVAILABLE, "psp_unavailable", "Later."), "unknown"),
        (OutcomeUnknown(), "unknown"),
    ],
)
async def test_a_card_that_cannot_be_saved_signs_nothing_and_shows_a_message(
    gateway, refusal, notice
):
    gateway.services.answers["SavePlanPageCard"] = refusal
    assert await location(gateway, "sign", SIGNED) == f"{PATH}?notice={notice}"
    assert gateway.services.calls("SignPlanPage") == 0
    show(gateway, to_sign())
    assert 'role="alert"' in await html(gateway, f"{PATH}?notice={notice}")


async def test_saving_a_card_for_an_unknown_plan_is_not_found(gateway):
    gateway.services.answers["SavePlanPageCard"] = UNKNOWN
    async with post(gateway, "sign", SIGNED) as response:
        assert response.status == 404


async def test_the_banks_challenge_comes_before_the_signature(gateway):
    """It is opened by a link, since the page's forms may not lead to other sites."""
    saved(gateway, BANK)
    show(gateway, to_sign())
    async with post(gateway, "sign", SIGNED) as response:
        assert response.status == 200
        assert 'href="https://bank.example/challenge?a=1&amp;b=2"' in await response.text()
    assert gateway.services.calls("SignPlanPage") == 0


def comes_back(gateway, card, url=""):
    answer = Return(token=TOKEN, card=card)
    if url:
        answer.next_action.url = url
    gateway.services.answers["GetPlanReturn"] = answer


@pytest.mark.parametrize(
    ("card", "notice"),
    [
        (Return.CARD_SAVED, "plan_card_confirmed"),
        (Return.CARD_REFUSED, "plan_card_not_confirmed"),
    ],
)
@pytest.mark.parametrize("locale", ["it", "en"])
async def test_the_page_shows_the_outcome_of_a_new_cards_challenge(gateway, card, notice, locale):
    comes_back(gateway, card)
    async with gateway.request("GET", BACK, key=None) as response:
        assert response.headers["Location"] == f"{PATH}?notice={notice}"
    for found in (to_sign(), running(signed(PLAN.STATE_ACTIVE, PAID))):
        found.locale = locale
        show(gateway, found)
        shown = unescape(await html(gateway, f"{PATH}?notice={notice}"))
        assert texts.notice(notice, locale) in shown


async def test_a_customer_back_before_the_banks_answer_waits_or_goes_back(gateway):
    """The page polls its own URL, which redirects as soon as the bank has answered."""
    show(gateway, to_sign())
    comes_back(gateway, Return.CARD_WAITING, BANK)
    async with gateway.request("GET", BACK, key=None) as response:
        text, tag = await response.text(), response.headers["ETag"]
    assert f"data-looks={tag}" in text
    assert 'href="https://bank.example/challenge?a=1&amp;b=2"' in text
    assert f'href="{PATH}"' in text
    async with gateway.request("HEAD", BACK, key=None) as response:
        assert response.headers["ETag"] == tag
    comes_back(gateway, Return.CARD_SAVED)
    async with gateway.request("HEAD", BACK, key=None) as response:
        assert response.headers["Location"] == f"{PATH}?notice=plan_card_confirmed"


async def test_returning_from_a_payments_challenge_redirects_to_the_page(gateway):
    comes_back(gateway, Return.CARD_UNSPECIFIED)
    async with gateway.request("GET", BACK, key=None) as response:
        assert response.headers["Location"] == PATH


@pytest.mark.parametrize("url", SCRIPT_ADDRESSES)
async def test_script_urls_from_banks_are_not_linked(gateway, url):
    saved(gateway, url)
    assert await location(gateway, "sign", SIGNED) == f"{PATH}?notice=unknown"
    show(gateway, to_sign())
    comes_back(gateway, Return.CARD_WAITING, url)
    async with gateway.request("GET", BACK, key=None) as response:
        assert "button plain" in (text := await response.text())
    assert "script:" not in text.lower()


async def test_only_a_page_with_a_card_field_may_load_its_script(gateway):
    for page, loads in ((typed(to_sign()), True), (to_sign(), False)):
        show(gateway, page)
        async with gateway.request("GET", PATH, key=None) as response:
            policy = response.headers["Content-Security-Policy"]
        assert ("script-src 'self' http://127.0.0.1:9;" in policy) == loads
        assert ("frame-src" in policy) == loads


@needs_chromium
async def test_a_customer_without_a_saved_card_signs_with_a_new_one(gateway, psp, tab):
    """Not before the box is ticked."""
    saved(gateway)
    show(gateway, typed(to_sign(cards=[]), psp))
    await tab.goto(gateway.url + PATH)
    await type_card(tab)
    button = tab.get_by_role("button", name="Firma e paga 53,33 € ora")
    await button.click()
    await expect(tab.get_by_role("checkbox")).to_be_focused()
    assert gateway.services.calls("SavePlanPageCard") == 0
    await tab.get_by_role("checkbox").check()
    show(gateway, signed(PLAN.STATE_ACTIVE, PAID))
    await button.click()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Il tuo piano è in corso")
    assert gateway.services.last("SavePlanPageCard").request.card_token.startswith("sbt_")
    assert gateway.services.last("SignPlanPage").request.instrument_id == "ins_new"
    assert tab.complaints == []


@needs_chromium
async def test_an_active_plan_is_paid_with_a_new_card(gateway, psp, tab):
    saved(gateway)
    show(gateway, typed(running(signed(PLAN.STATE_ACTIVE, PAID)), psp))
    await tab.goto(gateway.url + PATH)
    await tab.get_by_text("Un'altra carta").click()
    await type_card(tab)
    await tab.get_by_role("radio", name="Ora tutto il resto: 106,67").check()
    async with tab.expect_navigation():  # back to where it is
        await tab.get_by_role("button", name="Salva e usa questa carta").click()
    seen = gateway.services.last("PayPlanPage").request
    assert (seen.amount_minor, seen.instrument_id) == (10667, "ins_new")


LOOKS = {
    "sign": to_sign,
    "no-card": lambda: to_sign(cards=[]),
    "active": lambda: running(signed(PLAN.STATE_ACTIVE, PAID)),
    "en": lambda: running(signed(PLAN.STATE_ACTIVE, PAID, locale="en")),
}


@needs_chromium
@pytest.mark.parametrize("name", LOOKS)
async def test_the_card_field_is_accessible(tab, gateway, psp, name):
    show(gateway, typed(LOOKS[name](), psp))
    await tab.goto(gateway.url + PATH)
    method = tab.locator("details:has(#card-form)")
    if await method.get_attribute("open") is None:
        await method.locator("summary").click()
    await expect(tab.frame_locator("iframe").locator("input").first).to_be_visible()
    await check(tab, f"plan-card-{name}")


@needs_chromium
async def test_the_pages_before_and_after_the_banks_challenge_are_accessible(tab, gateway, psp):
    saved(gateway, BANK)
    show(gateway, typed(to_sign(cards=[]), psp))
    await tab.goto(gateway.url + PATH)
    await type_card(tab)
    await tab.get_by_role("checkbox").check()
    await tab.get_by_role("button", name="Firma e paga").click()
    await expect(tab.locator("[data-view=plan-confirm-card]")).to_be_visible()
    await check(tab, "plan-confirm-card")
    comes_back(gateway, Return.CARD_WAITING, BANK)
    await tab.goto(gateway.url + BACK)
    await check(tab, "plan-card-waiting")
    comes_back(gateway, Return.CARD_REFUSED)
    await expect(tab.get_by_role("alert")).to_contain_text("non ha confermato la carta")


@needs_chromium
async def test_without_javascript_saved_cards_work_and_the_field_asks_for_javascript(
    scriptless, gateway, psp
):
    page = scriptless
    show(gateway, typed(to_sign(), psp))
    await page.goto(gateway.url + PATH)
    await page.get_by_text("Un'altra carta").click()
    await expect(page.get_by_text("serve JavaScript")).to_be_visible()
    await page.get_by_role("checkbox").check()
    async with page.expect_navigation():  # back to where it is
        await page.get_by_role("button", name="Firma e paga").click()
    assert gateway.services.last("SignPlanPage").request.instrument_id == "ins_4242"
