"""How a cash-on-delivery order's page looks and behaves in a real browser."""

import pytest
from playwright.async_api import expect

from incasso.cod.v1 import pages_pb2
from libs.errors import FieldViolation, Kind, RemoteRefusal
from tests.browser import faults, looks, needs_chromium
from tests.services.gateway.cod_samples import (
    PATH,
    REFUND,
    STATES,
    refund,
    refunded,
    show,
    to_confirm,
)

pytestmark = needs_chromium
# States that look like another one are checked without a browser.
LOOKS = [name for name in STATES if name not in ("remitted", "short", "overdue")]
WRONG = RemoteRefusal(Kind.CONFLICT, "cod_code_wrong", "No.")
WRONG_ACCOUNT = RemoteRefusal(
    Kind.INVALID,
    "invalid_argument",
    "No.",
    violations=[FieldViolation("iban", "must be an IBAN")],
)


async def is_fit_to_be_seen(page, name):
    async for manner in looks(page, name):
        assert await faults(page) == [], manner
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, manner
    assert page.complaints == []


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize("name", LOOKS)
async def test_every_state_is_accessible(tab, gateway, name, locale):
    show(gateway, STATES[name]())
    await tab.goto(f"{gateway.url}{PATH}?lang={locale}")
    await is_fit_to_be_seen(tab, f"cod-{name}-{locale}")


@pytest.mark.parametrize("locale", ["it", "en"])
async def test_a_wrong_code_shows_an_error_and_focuses_its_field(gateway, locale, tab):
    show(gateway, to_confirm())
    gateway.services.answers["ConfirmCodPage"] = WRONG
    await tab.goto(f"{gateway.url}{PATH}?lang={locale}")
    field = tab.locator("#code")
    await field.fill("000000")
    async with tab.expect_navigation():
        await tab.keyboard.press("Enter")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(tab.get_by_role("alert")).to_be_visible()
    await is_fit_to_be_seen(tab, f"cod-wrong-{locale}")


async def test_an_order_is_confirmed_without_javascript(scriptless, gateway):
    """Without a code the browser asks for one; after a wrong one, another can be requested; the right one confirms."""
    page = scriptless
    show(gateway, to_confirm())
    await page.goto(gateway.url + PATH + "?lang=it")
    field = page.get_by_label("Codice di sei cifre")
    button = page.get_by_role("button", name="Conferma l'ordine")
    await button.click()
    assert gateway.services.calls("ConfirmCodPage") == 0
    gateway.services.answers["ConfirmCodPage"] = WRONG
    await field.fill("000000")
    async with page.expect_navigation():
        await button.click()
    await expect(page.get_by_role("alert")).to_contain_text("non è giusto, o non vale più")
    async with page.expect_navigation():
        await page.get_by_role("button", name="Mandami un altro codice").click()
    await expect(page.get_by_role("alert")).to_contain_text("Ti abbiamo mandato un altro codice")
    gateway.services.answers["ConfirmCodPage"] = pages_pb2.ConfirmCodPageResponse()
    show(gateway, STATES["confirmed"]())
    await field.fill("048 271")
    async with page.expect_navigation():
        await button.click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Il tuo ordine è confermato")
    assert gateway.services.last("ConfirmCodPage").request.code == "048 271"


async def test_an_order_can_be_confirmed_with_the_keyboard(gateway, tab):
    show(gateway, to_confirm())
    await tab.goto(gateway.url + PATH)
    await tab.locator("#code").focus()
    await tab.keyboard.type("048271")
    await tab.keyboard.press("Tab")
    show(gateway, STATES["confirmed"]())
    async with tab.expect_navigation():
        await tab.keyboard.press("Enter")
    await expect(tab.locator("body[data-view=cod-confirmed]")).to_be_visible()
    assert gateway.services.calls("ConfirmCodPage") == 1


async def test_a_wrong_refund_account_is_corrected_in_its_field(gateway, tab):
    """The typed values stay in their fields, and out of URLs; afterwards the account is masked."""
    show(gateway, STATES["refund"]())
    gateway.services.answers["SetCodPageRefundAccount"] = WRONG_ACCOUNT
    await tab.goto(gateway.url + PATH + "?lang=it")
    await tab.get_by_label("Intestatario del conto").fill("Giulia Bianchi")
    iban = tab.get_by_label("IBAN", exact=True)
    await iban.fill("IT60X0542811101000000123457")
    button = tab.get_by_role("button", name="Manda il rimborso qui")
    async with tab.expect_navigation():
        await button.click()
    await expect(tab.get_by_role("alert")).to_contain_text("Questo IBAN non è giusto")
    await expect(iban).to_have_attribute("aria-invalid", "true")
    await expect(iban).to_have_value("IT60X0542811101000000123457")
    await expect(tab.get_by_label("Intestatario del conto")).to_have_value("Giulia Bianchi")
    assert "IT60" not in tab.url
    await is_fit_to_be_seen(tab, "cod-refund-wrong")
    gateway.services.answers["SetCodPageRefundAccount"] = (
        pages_pb2.SetCodPageRefundAccountResponse()
    )
    show(gateway, refunded(refund(REFUND.STATE_READY)))
    await iban.fill("IT60 X054 2811 1010 0000 0123 456")
    async with tab.expect_navigation():
        await button.click()
    await expect(tab.get_by_text("IT60 ••• 3456 (G••• B•••)")).to_be_visible()
    await expect(button).to_have_count(0)
    asked = gateway.services.last("SetCodPageRefundAccount").request
    assert (asked.holder, asked.iban) == ("Giulia Bianchi", "IT60X0542811101000000123456")
