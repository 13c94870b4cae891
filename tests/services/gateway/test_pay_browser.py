"""The shopper pages in a real browser: whoever looks, and however they pay."""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import zxingcpp
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import expect

from incasso.merchants.v1 import merchants_pb2
from incasso.paylink.v1 import pages_pb2, paylink_pb2
from services.sandbox.app import build_app
from services.sandbox.config import Config as SandboxConfig
from stack.process import free_ports
from tests.services.gateway import pay_samples as samples
from tests.services.gateway.conftest import CHROMIUM, Gateway, running_gateway
from tests.services.gateway.pay_samples import EPC, KEY, PATH, STATES, TOKEN, UNKNOWN, shown
from tests.services.sandbox.conftest import started

SHOTS = os.environ.get("SCREENSHOTS")
MOST_BYTES = 100_000
pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine"),
]
LOGO = io.BytesIO()
Image.effect_noise((96, 96), 64).save(LOGO, "PNG")


@pytest.fixture(scope="module")
async def psp(tmp_path_factory) -> AsyncIterator[str]:
    """The sandbox's address."""
    config = SandboxConfig(
        sandbox_data=tmp_path_factory.mktemp("sandbox"),
        sandbox_public_url=None,
        sandbox_smtp_port=0,
    )
    runner, url = await started(build_app(config))
    yield url
    await runner.cleanup()


@pytest.fixture
async def shop() -> AsyncIterator[Gateway]:
    async with running_gateway() as gateway:
        gateway.services.answers |= {
            "WaitForPayPage": pages_pb2.WaitForPayPageResponse(version=7),
            "GetLogo": merchants_pb2.GetLogoResponse(
                picture=LOGO.getvalue(), media_type="image/png"
            ),
            "GetShopPage": samples.shop(),
        }
        yield gateway


def answer(shop, found, psp=""):
    if psp and found.HasField("card_field"):
        found.card_field.field_url = f"{psp}/psp/field.js"
    shop.services.answers["GetPayPage"] = shown(found)
    return found


async def check(page, name):
    """No violation of WCAG 2.2 AA, on either scheme, on a phone and on a desk."""
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if SHOTS:
                await page.screenshot(
                    path=f"{SHOTS}/pay-{name}-{width}-{scheme}.png", full_page=True
                )
            found = await Axe().run(page)
            assert found.response["violations"] == [], (width, scheme)
            overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, (width, scheme)


@pytest.mark.parametrize("name", STATES)
async def test_every_state_is_accessible(page, shop, psp, name):
    answer(shop, STATES[name](), psp)
    await page.goto(shop.url + PATH)
    if name in ("open-new", "open-deposit"):
        await expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    await check(page, name)
    assert page.complaints == []


@pytest.mark.parametrize("name", ["shop", "missing", "stop", "sent"])
async def test_the_other_pages_are_accessible(page, shop, name):
    answer(shop, samples.page(payment_link=samples.link(locale="en")))
    shop.services.answers["RequestNewLink"] = pages_pb2.RequestNewLinkResponse(
        recipient="g•••@x.it"
    )
    paths = {"shop": "/shop/bottega", "missing": "/p/x", "stop": f"{PATH}/stop-reminders"}
    if name == "missing":
        shop.services.answers["GetPayPage"] = UNKNOWN
    if name == "sent":
        answer(shop, STATES["expired-new"]())
        await page.goto(shop.url + PATH)
        await page.get_by_role("button", name="Send me a new link").click()
        await expect(page.get_by_role("heading")).to_have_text("A new link is on its way")
    else:
        await page.goto(shop.url + paths[name])
    await check(page, name)


def paying(shop, then):
    """PayByCard that makes the page another one."""

    def pay(_):
        answer(shop, then)
        return pages_pb2.PayByCardResponse(payment=samples.tried(samples.TRY.STATE_SUCCEEDED))

    shop.services.answers["PayByCard"] = pay


async def type_card(page, number="4242424242424242"):
    card = page.frame_locator("iframe")
    await card.get_by_label("Card number").fill(number)
    await card.get_by_label("Expiry").fill("12/34")
    await card.get_by_label("Security code").or_(card.get_by_label("CVC")).first.fill("123")


async def test_a_new_card_is_paid_by_the_sandboxs_field(page, shop, psp):
    answer(shop, samples.page(saved_cards=[]), psp)
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    await type_card(page)
    await page.get_by_role("button", name="Pay €129.00").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    request = shop.services.last("PayByCard").request
    assert request.card_token.startswith("sbt_")
    assert (request.psp_account, request.brand, request.last4) == ("sandbox-a", "visa", "4242")
    assert shop.services.calls("PayByCard") == 1
    assert page.complaints == []


async def test_a_wrong_card_is_said_and_can_be_corrected(page, shop, psp):
    answer(shop, samples.page(saved_cards=[]), psp)
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    await type_card(page, "4242424242424241")
    button = page.get_by_role("button", name="Pay €129.00")
    await button.click()
    problem = page.get_by_role("alert")
    await expect(problem).to_be_focused()
    assert await problem.inner_text()
    assert shop.services.calls("PayByCard") == 0
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/pay-wrong-card.png", full_page=True)
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
    async with asyncio.timeout(20):
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


async def test_a_new_card_is_paid_by_stripes_field(page, shop, localstripe):
    field = pages_pb2.CardField(
        psp="stripe",
        psp_account="stripe-main",
        publishable_key="pk_test_1",
        field_url=f"{localstripe}/js.stripe.com/v3/",
    )
    answer(shop, samples.page(saved_cards=[], card_field=field))
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    for name, value in (
        ("number", "4242424242424242"),
        ("exp_month", "12"),
        ("exp_year", "34"),
        ("cvc", "123"),
    ):
        await page.get_by_placeholder(name).fill(value)
    await page.get_by_role("button", name="Pay €129.00").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")
    request = shop.services.last("PayByCard").request
    assert request.card_token.startswith("pm_")
    assert (request.psp_account, request.last4) == ("stripe-main", "4242")
    assert page.complaints == []


async def test_a_click_pays_once_however_often_it_is_clicked(page, shop, psp):
    answer(shop, samples.page(), psp)
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


async def test_the_keyboard_is_enough_from_the_quote_to_the_receipt(page, shop, psp):
    quoted = samples.link(quote=samples.quote(accepted=False))
    accepted = samples.link(quote=samples.quote(accepted=True))

    def accept(_):
        answer(shop, samples.page(payment_link=accepted, saved_cards=[]), psp)
        return pages_pb2.AcceptQuoteResponse()

    answer(shop, samples.page(payment_link=quoted, saved_cards=[]), psp)
    shop.services.answers["AcceptQuote"] = accept
    paying(shop, samples.paid())
    await page.goto(shop.url + PATH)
    await press_until(page, "BUTTON")
    await page.keyboard.press("Enter")
    await expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    await press_until(page, "IFRAME")
    for text in ("4242424242424242", "1234", "123"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await press_until(page, "BUTTON")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")


async def press_until(page, tag):
    for _ in range(20):
        if await page.evaluate("document.activeElement.tagName") == tag:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {tag}")


@pytest.fixture
async def scriptless(browser) -> AsyncIterator:
    context = await browser.new_context(
        viewport={"width": 390, "height": 640}, java_script_enabled=False, locale="en-GB"
    )
    yield await context.new_page()
    await context.close()


async def test_without_script_everything_works_up_to_the_card_field(scriptless, shop, psp):
    page = scriptless
    quoted = samples.link(quote=samples.quote(accepted=False))
    answer(shop, samples.page(payment_link=quoted), psp)

    def accept(_):
        answer(shop, samples.page(), psp)
        return pages_pb2.AcceptQuoteResponse()

    def announce(_):
        answer(shop, samples.announced())
        return pages_pb2.AnnounceBankTransferResponse()

    def withdraw(_):
        answer(shop, samples.page(), psp)
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
    assert shop.services.calls("MarkSeen") == 0


async def test_the_page_is_small_and_asks_nobody_but_the_psp(browser, shop, psp):
    """One round: the page, then stylesheet, script and logo; nothing later but the PSP's."""
    answer(shop, samples.page(saved_cards=[], merchant=samples.merchant(logo_id="logo1")), psp)
    context = await browser.new_context(viewport={"width": 390, "height": 640}, locale="it-IT")
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    urls, received = {}, {}
    session.on(
        "Network.requestWillBeSent", lambda e: urls.update({e["requestId"]: e["request"]["url"]})
    )
    session.on(
        "Network.loadingFinished",
        lambda e: received.update({e["requestId"]: e["encodedDataLength"]}),
    )
    await page.goto(shop.url + PATH, wait_until="networkidle")
    origins = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in urls.values()}
    assert {origin for origin in origins if origin.startswith("http")} == {shop.url, psp}
    ours = [key for key, url in urls.items() if url.startswith(shop.url)]
    paths = sorted(urlsplit(urls[key]).path for key in ours)
    assert paths == sorted(
        ["/assets/pages.css", "/assets/pay.js", "/logos/logo1", PATH, f"{PATH}/events"]
        + [f"{PATH}/seen"] * paths.count(f"{PATH}/seen")
    )
    assert 0 < sum(received.get(key, 0) for key in ours) < MOST_BYTES
    await context.close()


async def test_the_code_for_banking_apps_says_what_the_standard_asks(page, shop):
    answer(shop, STATES["open-transfer"]())
    await page.goto(shop.url + PATH)
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        picture = Image.open(io.BytesIO(await page.locator(".qr").screenshot()))
        (code,) = zxingcpp.read_barcodes(picture)
        assert code.text == EPC
        assert code.ec_level == "M"
        assert len(code.text.encode()) <= 331


async def test_a_person_who_looks_is_seen_once(page, shop):
    answer(shop, STATES["open-transfer"]())
    await page.goto(shop.url + PATH)
    assert shop.services.calls("MarkSeen") == 0
    async with page.expect_request(f"**{PATH}/seen"):
        await page.mouse.click(5, 5)
    await page.keyboard.press("Tab")
    async with asyncio.timeout(5):
        while not shop.services.calls("MarkSeen"):  # noqa: ASYNC110 - the double tells no event
            await asyncio.sleep(0.02)
    assert shop.services.calls("MarkSeen") == 1


async def test_a_waiting_page_shows_the_outcome_by_itself(page, shop):
    changed = asyncio.Event()

    async def wait(request):
        if request.timeout_ms:
            await changed.wait()
            return pages_pb2.WaitForPayPageResponse(
                version=8, state=paylink_pb2.PaymentLink.STATE_PAID
            )
        return pages_pb2.WaitForPayPageResponse(version=7)

    shop.services.answers["WaitForPayPage"] = wait
    answer(shop, STATES["processing"]())
    await page.goto(shop.url + PATH)
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Your payment is being processed"
    )
    answer(shop, samples.paid())
    changed.set()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")


async def test_a_product_is_bought_without_script(scriptless, shop):
    answer(shop, samples.page())
    shop.services.answers["BuyProduct"] = pages_pb2.BuyProductResponse(token=TOKEN)
    await scriptless.goto(f"{shop.url}/shop/bottega?lang=en")
    await scriptless.get_by_label("Your e-mail").fill("giulia@example.com")
    await scriptless.get_by_label("Quantity").first.fill("3")
    await scriptless.get_by_role("button", name="Buy Tisana della sera").click()
    await scriptless.wait_for_url(f"**{PATH}?lang=en")
    request = shop.services.last("BuyProduct").request
    assert (request.product_id, request.quantity, request.shown_minor) == ("prd_1", 3, 690)


async def test_no_other_site_can_send_the_form(page, shop):
    answer(shop, samples.page())
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
