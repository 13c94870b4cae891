"""How the shopper pages look and behave in a real browser."""

import asyncio
import io
from urllib.parse import urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.async_api import expect

from incasso.paylink.v1 import pages_pb2, paylink_pb2
from libs.errors import OutcomeUnknown
from services.gateway.pay.texts import WORDS
from tests.browser import check, needs_chromium, opened_page
from tests.services.gateway import pay_samples as samples
from tests.services.gateway.conftest import Gateway
from tests.services.gateway.instalment_samples import credit, deferral
from tests.services.gateway.pay_pieces import EPC
from tests.services.gateway.pay_samples import PATH, STATES, TOKEN, UNKNOWN, show
from tests.waiting import until

MOST_BYTES = 100_000
pytestmark = needs_chromium


@pytest.fixture
def shop(pay_pages: Gateway) -> Gateway:
    return pay_pages


@pytest.mark.parametrize("name", STATES)
async def test_every_state_is_accessible(shop, tab, psp, name):
    show(shop.services, STATES[name](), psp)
    await tab.goto(shop.url + PATH)
    if name in ("open-new", "open-deposit"):
        await expect(tab.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    await check(tab, f"pay-{name}")
    assert tab.complaints == []


@pytest.mark.parametrize(("language", "payer"), [("it", "customer"), ("en", "guest")])
async def test_an_instalment_plan_can_be_chosen(shop, tab, psp, language, payer):
    asked = samples.of_a_guest if payer == "guest" else samples.in_parts
    show(shop.services, asked(credit(language), deferral(language)), psp)
    chosen = pages_pb2.PagePayment(plan_url=samples.PLAN)
    shop.services.answers["ChoosePlan"] = pages_pb2.ChoosePlanResponse(payment=chosen)
    words = WORDS[language]
    await tab.goto(f"{shop.url}{PATH}?lang={language}")
    await tab.get_by_text(words["instalments"]).click()
    await check(tab, f"pay-open-instalments-{language}")
    button = tab.get_by_role("button", name=deferral(language).label)
    if payer == "guest":
        await tab.get_by_label(words["instalments_name"]).fill("Anna Neri")
        await tab.keyboard.press("Enter")  # Enter in a field chooses none of several offers
        await tab.keyboard.press("Tab")
        await tab.keyboard.type("anna@example.com")
    async with tab.expect_request(f"**{urlsplit(samples.PLAN).path}"):
        await button.click()
    assert shop.services.calls("ChoosePlan") == 1
    request = shop.services.last("ChoosePlan").request
    assert (request.terms_id, request.email) == (
        "trm_default",
        "anna@example.com" if payer == "guest" else "",
    )


@pytest.mark.parametrize("name", ["shop", "missing", "stop", "sent"])
async def test_the_other_pages_are_accessible(shop, tab, name):
    show(shop.services, samples.page(payment_link=samples.link(locale="en")))
    shop.services.answers["RequestNewLink"] = pages_pb2.RequestNewLinkResponse(
        recipient="g•••@x.it"
    )
    paths = {"shop": "/shop/bottega", "missing": "/p/x", "stop": f"{PATH}/stop-reminders"}
    if name == "missing":
        shop.services.answers["GetPayPage"] = UNKNOWN
    if name == "sent":
        show(shop.services, STATES["expired-new"]())
        await tab.goto(shop.url + PATH)
        await tab.get_by_role("button", name="Send me a new link").click()
        await expect(tab.get_by_role("heading")).to_have_text("A new link is on its way")
    else:
        await tab.goto(shop.url + paths[name])
    await check(tab, f"pay-{name}")


async def test_the_page_is_small_and_contacts_only_the_gateway_and_the_psp(browser, shop, psp):
    """One round trip after the page: stylesheet, script and logo; later only the PSP's files."""
    show(
        shop.services, samples.page(saved_cards=[], merchant=samples.merchant(logo_id="logo1")), psp
    )
    viewport = {"width": 390, "height": 640}
    async with opened_page(browser, viewport=viewport, locale="it-IT") as page:
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        urls, received = {}, {}
        session.on(
            "Network.requestWillBeSent",
            lambda e: urls.update({e["requestId"]: e["request"]["url"]}),
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


async def test_the_transfer_qr_code_holds_the_epc_payload_at_error_correction_m(shop, tab):
    show(shop.services, STATES["open-transfer"]())
    await tab.goto(shop.url + PATH)
    for scheme in ("light", "dark"):
        await tab.emulate_media(color_scheme=scheme)
        picture = Image.open(io.BytesIO(await tab.locator(".qr").screenshot()))
        (code,) = zxingcpp.read_barcodes(picture)
        assert code.text == EPC
        assert code.ec_level == "M"
        assert len(code.text.encode()) <= 331


async def test_two_interactions_of_a_shopper_mark_the_link_seen_once(shop, tab):
    show(shop.services, STATES["open-transfer"]())
    await tab.goto(shop.url + PATH)
    assert shop.services.calls("MarkSeen") == 0
    async with tab.expect_request(f"**{PATH}/seen"):
        await tab.mouse.click(5, 5)
    await tab.keyboard.press("Tab")
    await until(lambda: shop.services.calls("MarkSeen"))
    assert shop.services.calls("MarkSeen") == 1


async def test_a_waiting_page_shows_the_outcome_without_a_reload_by_the_shopper(shop, tab):
    changed = asyncio.Event()

    async def wait(request):
        if request.timeout_ms:
            await changed.wait()
            return pages_pb2.WaitForPayPageResponse(
                version=8, state=paylink_pb2.PaymentLink.STATE_PAID
            )
        return pages_pb2.WaitForPayPageResponse(version=7)

    shop.services.answers["WaitForPayPage"] = wait
    show(shop.services, STATES["processing"]())
    await tab.goto(shop.url + PATH)
    await expect(tab.get_by_role("heading", level=1)).to_have_text(
        "Your payment is being processed"
    )
    show(shop.services, samples.paid())
    changed.set()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")


# Lets a test see whether the page has noticed that its stream ended.
WATCHED_STREAM = """
window.EventSource = class extends EventSource {
  constructor(...given) { super(...given); window.stream = this; }
};
"""


async def test_a_waiting_page_without_its_stream_reloads(page, shop):
    shop.services.answers["WaitForPayPage"] = OutcomeUnknown()
    show(shop.services, STATES["processing"]())
    await page.clock.install()
    await page.add_init_script(WATCHED_STREAM)
    async with page.expect_response(f"**{PATH}/events?*") as refused:
        await page.goto(shop.url + PATH)
    assert (await refused.value).status == 503
    show(shop.services, samples.paid())
    await page.wait_for_function("() => window.stream.readyState === EventSource.CLOSED")
    await page.clock.fast_forward(10_000)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is paid")


async def test_a_product_is_bought_without_javascript(scriptless, shop):
    show(shop.services, samples.page())
    shop.services.answers["BuyProduct"] = pages_pb2.BuyProductResponse(token=TOKEN)
    await scriptless.goto(f"{shop.url}/shop/bottega?lang=en")
    await scriptless.get_by_label("Your e-mail").fill("giulia@example.com")
    await scriptless.get_by_label("Quantity").first.fill("3")
    await scriptless.get_by_role("button", name="Buy Tisana della sera").click()
    await scriptless.wait_for_url(f"**{PATH}?lang=en")
    request = shop.services.last("BuyProduct").request
    assert (request.product_id, request.quantity, request.shown_minor) == ("prd_1", 3, 690)
