"""The journey of a payment link in a real browser: mail, quote, card, 3-D Secure, receipt, webhook.

`SCREENSHOTS=<folder>` keeps a picture of every step, narrow and wide, light and dark.
"""

import pytest
from playwright.async_api import expect

from tests.browser import faults, looks, needs_chromium, opened_page
from tests.e2e.conftest import address, mailed

CHALLENGED = "4000 0025 0000 3155"
# A mail has no landmarks, because the reader shows it inside its own page.
OF_A_MAIL = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
VISA = "4242 4242 4242 4242"

pytestmark = needs_chromium


@pytest.fixture
async def phone(browser):
    """A phone in Italian. `phone.requested` lists every URL that it requested."""
    viewport = {"width": 390, "height": 844}
    async with opened_page(browser, viewport=viewport, locale="it-IT") as page:
        page.requested = []
        page.on("request", lambda request: page.requested.append(request.url))
        yield page


async def inspect_page(page, name, **options):
    """Asserts that axe finds no violation, narrow and wide, light and dark."""
    async for manner in looks(page, f"journey-{name}"):
        assert await faults(page, **options) == [], manner
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme="light")


async def type_card(page, number):
    field = page.frame_locator("iframe")
    await field.get_by_label("Numero").fill(number)
    await field.get_by_label("Scadenza").fill("12/34")
    await field.get_by_label("Codice di sicurezza").fill("123")


QUOTE = {
    "title": "Preventivo 2026-118",
    "text": "Fornitura di un paio di scarpe.\n\nConsegna in tre giorni lavorativi.",
    "version": "2026-11",
}
ITEMS = [
    {"name": "Scarpe da corsa", "quantity": 1, "unit_amount_minor": 12_000},
    {"name": "Spedizione", "quantity": 1, "unit_amount_minor": 900},
]


async def read_mail(phone, mail):
    """Shows the mail in a browser; returns its button's URL."""
    await phone.set_content(mail["html"])
    await inspect_page(phone, "1-mail", **OF_A_MAIL)
    button = phone.get_by_role("link", name="Paga").first
    return await button.get_attribute("href")


async def pay_with_challenge(phone):
    """Pays, from the quote to the receipt."""
    await inspect_page(phone, "2-quote")
    await phone.get_by_role("button", name="Accetto").click()
    await expect(phone.get_by_role("heading", name="Come vuoi pagare?")).to_be_visible()
    await type_card(phone, CHALLENGED)
    await inspect_page(phone, "3-pay")
    await phone.get_by_role("button", name="Paga 129,00").click()
    await expect(phone.get_by_role("button", name="Approva")).to_be_visible()
    await phone.go_back()  # from the bank's page, which opened automatically
    await expect(phone.locator("body.view-confirm")).to_be_visible()
    await inspect_page(phone, "4-confirm")
    await phone.get_by_role("link", name="Conferma").click()
    await phone.get_by_role("button", name="Approva").click()
    await expect(phone.locator("body.view-paid")).to_be_visible()
    await inspect_page(phone, "5-paid")


async def test_a_mailed_quote_is_accepted_paid_with_a_challenge_and_rated(shop, phone, webhooks):
    to = address()
    more = mailed(to, description="Scarpe da corsa", line_items=ITEMS, quote=QUOTE, locale="it")
    link = (await shop.link(12_900, **more)).expect(201)
    (mail,) = await shop.inbox(to)
    assert await read_mail(phone, mail) == link["url"]
    phone.requested.clear()
    await phone.goto(link["url"])
    await pay_with_challenge(phone)
    origins = {"/".join(url.split("/")[:3]) for url in phone.requested if "://" in url}
    assert origins == {shop.url, shop.sandbox_url}
    await phone.get_by_role("button", name="Molto soddisfatto").click()
    event = await webhooks.wait_for(
        lambda event: (
            event["type"] == "payment_link.paid"
            and event["data"]["payment_link"]["id"] == link["id"]
        )
    )
    assert event["data"]["payment_link"]["state"] == "paid"
    rated = await webhooks.wait_for(lambda event: event["type"] == "satisfaction.given")
    assert rated["data"]["link_payment"]["satisfaction"] == 5
    assert (await shop.get(f"/v1/payment-links/{link['id']}"))["state"] == "paid"


async def test_reload_and_back_during_a_payment_make_one_payment(shop, phone):
    link = (await shop.link(4_900, locale="it")).expect(201)
    await phone.goto(link["url"])
    await type_card(phone, CHALLENGED)
    await phone.get_by_role("button", name="Paga 49,00").click()
    await expect(phone.get_by_role("button", name="Approva")).to_be_visible()
    await phone.go_back()
    await expect(phone.locator("body.view-confirm")).to_be_visible()
    await phone.reload()
    await expect(phone.locator("body.view-confirm")).to_be_visible()
    await phone.go_back()
    await phone.wait_for_load_state()
    other = await phone.context.new_page()
    await other.goto(link["url"])
    await expect(other.locator("body.view-confirm")).to_be_visible()
    await other.get_by_role("link", name="Conferma").click()
    await other.get_by_role("button", name="Approva").click()
    await expect(other.locator("body.view-paid")).to_be_visible()
    await phone.goto(link["url"])
    await expect(phone.locator("body.view-paid")).to_be_visible()
    listed = await shop.get(f"/v1/payments?order_reference={link['order_reference']}")
    assert [payment["state"] for payment in listed["data"]] == ["captured"]


async def test_an_open_page_updates_when_the_link_is_paid_in_another_tab(shop, phone):
    link = (await shop.link(2_100, locale="it")).expect(201)
    other = await phone.context.new_page()
    await other.goto(link["url"])
    await phone.goto(link["url"])
    await type_card(phone, VISA)
    await phone.get_by_role("button", name="Paga 21,00").click()
    await expect(phone.locator("body.view-paid")).to_be_visible()
    await expect(other.locator("body.view-paid")).to_be_visible()


async def test_a_link_routed_to_stripe_shows_stripes_card_form(shop, phone):
    rules = {"rules": [{"targets": [{"psp_account": "stripe"}]}]}
    (await shop.call("PUT", "/v1/routing", rules)).expect(200)
    try:
        link = (await shop.link(5_500, locale="it")).expect(201)
        await phone.goto(link["url"])
        form = phone.locator("#card-form")
        await expect(form).to_have_attribute("data-psp", "stripe")
        await form.get_by_role("button", name="Paga 55,00").wait_for()
    finally:
        (await shop.call("PUT", "/v1/routing", {"rules": []})).expect(200)
