"""Paying in a real browser: saved card, new card in a PSP's field, transfer, keyboard, no script."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from incasso.paylink.v1 import pages_pb2
from stack.process import free_ports
from tests.browser import needs_chromium
from tests.services.gateway import pay_samples as samples
from tests.services.gateway.conftest import Gateway, picture
from tests.services.gateway.pay_samples import KEY, PATH, show
from tests.waiting import HANGING_SECONDS

pytestmark = needs_chromium


@pytest.fixture
def shop(pay_pages: Gateway) -> Gateway:
    return pay_pages


def paying(shop, then):
    """Makes PayByCard succeed and change the page to `then`."""

    def pay(_):
        show(shop.services, then)
        return pages_pb2.PayByCardResponse(payment=samples.tried(samples.TRY.STATE_SUCCEEDED))

    shop.services.answers["PayByCard"] = pay


async def type_card(page, number="4242424242424242"):
    card = page.frame_locator("iframe")
    await card.get_by_label("Card number").fill(number)
    await card.get_by_label("Expiry").fill("12/34")
    await card.get_by_label("Security code").or_(card.get_by_label("CVC")).first.fill("123")


async def test_a_new_card_pays_through_the_sandboxs_card_field(shop, psp, tab):
    show(shop.services, samples.page(saved_cards=[]), psp)
    paying(shop, samples.paid())
    await tab.goto(shop.url + PATH)
    await type_card(tab)
    await tab.get_by_role("button", name="Pay €129.00").click()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    request = shop.services.last("PayByCard").request
    assert request.card_token.startswith("sbt_")
    assert (request.offer, request.brand, request.last4) == (samples.OFFER, "visa", "4242")
    assert shop.services.calls("PayByCard") == 1
    assert tab.complaints == []


async def test_an_invalid_card_shows_an_error_and_can_be_corrected(page, shop, psp):
    show(shop.services, samples.page(saved_cards=[]), psp)
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    await type_card(page, "4242424242424241")
    button = page.get_by_role("button", name="Pay €129.00")
    await button.click()
    problem = page.get_by_role("alert")
    await expect(problem).to_be_focused()
    assert await problem.inner_text()
    assert shop.services.calls("PayByCard") == 0
    await picture(page, "pay-wrong-card")
    await type_card(page)
    await button.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")


@pytest.fixture
async def localstripe(tmp_path) -> AsyncIterator[str]:
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "stack.localstripe", "--port", str(port)),
        *("--data", str(tmp_path)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(HANGING_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.1)
    writer.close()
    await writer.wait_closed()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    await process.wait()


async def test_a_new_card_pays_through_stripes_card_field(shop, localstripe, tab):
    field = pages_pb2.CardField(
        psp="stripe",
        psp_account="stripe-main",
        publishable_key="pk_test_1",
        field_url=f"{localstripe}/js.stripe.com/v3/",
    )
    show(shop.services, samples.page(saved_cards=[], card_field=field))
    paying(shop, samples.paid())
    await tab.goto(shop.url + PATH)
    for name, value in (
        ("number", "4242424242424242"),
        ("exp_month", "12"),
        ("exp_year", "34"),
        ("cvc", "123"),
    ):
        await tab.get_by_placeholder(name).fill(value)
    await tab.get_by_role("button", name="Pay €129.00").click()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    request = shop.services.last("PayByCard").request
    assert request.card_token.startswith("pm_")
    assert (request.offer, request.last4) == (samples.OFFER, "4242")
    assert tab.complaints == []


async def test_a_double_click_a_reload_and_going_back_pay_once(page, shop, psp):
    show(shop.services, samples.page(), psp)
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    await page.get_by_role("button", name="Pay €129.00").dblclick()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    assert shop.services.calls("PayByCard") == 1
    await page.reload()
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    assert shop.services.calls("PayByCard") == 1
    assert shop.services.last("PayByCard").call.idempotency_key == KEY


BANK = "https://bank.example/challenge"


@pytest.mark.parametrize("saved", [True, False], ids=["saved card", "new card"])
async def test_a_challenge_starts_automatically_only_once(page, shop, psp, saved):
    await page.context.route(
        BANK, lambda route: route.fulfill(content_type="text/html", body="<h1>The bank</h1>")
    )
    show(shop.services, samples.page(**({} if saved else {"saved_cards": []})), psp)
    paying(shop, samples.confirming())
    await page.goto(shop.url + PATH)
    if not saved:
        await type_card(page)
    await page.get_by_role("button", name="Pay €129.00").click()
    await page.wait_for_url(BANK)
    button = page.get_by_role("link", name="Confirm with your bank")
    await page.go_back()
    await expect(button).to_be_visible()
    await page.reload()
    await expect(button).to_be_visible()
    other = await page.context.new_page()
    await other.goto(shop.url + PATH)
    # A page that redirects would already show its button as busy.
    for shown in (button, other.get_by_role("link", name="Confirm with your bank")):
        await expect(shown).to_be_visible()
        await expect(shown).not_to_have_attribute("aria-busy", "true")
    await button.click()
    await page.wait_for_url(BANK)


async def test_a_late_challenge_starts_automatically(page, shop, psp):
    await page.context.route(
        BANK, lambda route: route.fulfill(content_type="text/html", body="<h1>The bank</h1>")
    )
    show(shop.services, samples.page(), psp)
    paying(shop, samples.STATES["processing"]())
    await page.goto(shop.url + PATH)
    await page.get_by_role("button", name="Pay €129.00").click()
    await expect(page.locator("body.view-processing")).to_be_visible()
    show(shop.services, samples.confirming())
    await page.reload()
    await page.wait_for_url(BANK)


async def test_the_keyboard_suffices_from_the_quote_to_the_receipt(shop, psp, tab):
    quoted = samples.link(quote=samples.quote(accepted=False))
    accepted = samples.link(quote=samples.quote(accepted=True))

    def accept(_):
        show(shop.services, samples.page(payment_link=accepted, saved_cards=[]), psp)
        return pages_pb2.AcceptQuoteResponse()

    show(shop.services, samples.page(payment_link=quoted, saved_cards=[]), psp)
    shop.services.answers["AcceptQuote"] = accept
    paying(shop, samples.paid())
    await tab.goto(shop.url + PATH)
    await press_until(tab, "BUTTON")
    await tab.keyboard.press("Enter")
    await expect(tab.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    await press_until(tab, "IFRAME")
    for text in ("4242424242424242", "1234", "123"):
        await tab.keyboard.type(text)
        await tab.keyboard.press("Tab")
    await press_until(tab, "BUTTON")
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")


async def press_until(page, tag):
    for _ in range(20):
        if await page.evaluate("document.activeElement.tagName") == tag:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {tag}")


async def test_everything_but_the_card_field_works_without_javascript(scriptless, shop, psp):
    page = scriptless
    quoted = samples.link(quote=samples.quote(accepted=False))
    show(shop.services, samples.page(payment_link=quoted), psp)

    def accept(_):
        show(shop.services, samples.page(), psp)
        return pages_pb2.AcceptQuoteResponse()

    def announce(_):
        show(shop.services, samples.announced())
        return pages_pb2.AnnounceBankTransferResponse()

    def withdraw(_):
        show(shop.services, samples.page(), psp)
        return pages_pb2.WithdrawBankTransferResponse()

    shop.services.answers |= {
        "AcceptQuote": accept,
        "AnnounceBankTransfer": announce,
        "WithdrawBankTransfer": withdraw,
    }
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    await page.get_by_role("button", name="I accept").click()
    await page.get_by_text("Another card").click()
    await expect(page.get_by_text("JavaScript must be on")).to_be_visible()
    await expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    await page.get_by_text("Bank transfer").click()
    await expect(page.get_by_text("IT60 X054 2811 1010 0000 0123 456")).to_be_visible()
    await page.get_by_role("button", name="I have made the transfer").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "We are waiting for your transfer"
    )
    await page.get_by_role("button", name="I prefer to pay in another way").click()
    await page.get_by_role("button", name="Pay €129.00").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    await page.get_by_role("button", name="Very satisfied").click()
    assert shop.services.last("RateSatisfaction").request.score == 5
    show(shop.services, samples.confirming())
    await page.goto(shop.url + PATH)
    await expect(page.get_by_role("link", name="Confirm with your bank")).to_be_visible()
    assert shop.services.calls("MarkSeen") == 0


async def test_another_site_cannot_submit_the_payment_form(page, shop):
    show(shop.services, samples.page())
    await page.route(
        "http://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{shop.url}{PATH}/pay"><input name="form_key" '
            f'value="{KEY}"><input name="instrument_id" value="ins_1"><button>x</button></form>',
        ),
    )
    await page.goto("http://evil.example/")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("came from elsewhere")
    assert shop.services.calls("PayByCard") == 0
