"""How the page of a plan looks and behaves in a real browser."""

import base64

import pytest
from playwright.async_api import expect

from incasso.instalments.v1 import pages_pb2, plans_pb2
from tests.browser import check, needs_chromium
from tests.services.gateway.instalment_samples import credit
from tests.services.gateway.plan_samples import (
    BOTH,
    CONSENT,
    PAID,
    PATH,
    PLAN,
    SHA,
    STATES,
    owed,
    running,
    show,
    signed,
    to_read,
    to_sign,
)

pytestmark = needs_chromium


@pytest.mark.parametrize("name", STATES)
async def test_every_state_is_accessible(tab, gateway, name):
    show(gateway, STATES[name]())
    await tab.goto(gateway.url + PATH)
    await check(tab, f"plan-{name}")
    assert tab.complaints == []


async def test_a_plan_is_read_and_signed_without_javascript(scriptless, gateway):
    """Documents first; then the customer chooses a card, ticks the box, which is not pre-ticked, and signs."""
    page = scriptless
    content = base64.b64encode(b"%PDF-1.7").decode()
    document = plans_pb2.InstalmentDocument(content=content, sha256=SHA)
    handed_over = pages_pb2.GetPlanPageDocumentResponse(document=document)
    gateway.services.answers["GetPlanPageDocument"] = handed_over
    show(gateway, to_read())
    await page.goto(gateway.url + PATH)
    await expect(page.get_by_role("checkbox")).to_have_count(0)
    for number, name in enumerate(("Informazioni su queste rate (PDF)", "Accordo (PDF)")):
        async with page.expect_download() as download:
            await page.get_by_role("button", name=name).click()
        assert (await download.value).suggested_filename.endswith(".pdf")
        assert gateway.services.last("GetPlanPageDocument").request.kind == BOTH[number]
    show(gateway, to_sign())
    await page.get_by_role("link", name="Ho entrambi i documenti, avanti").click()
    box = page.get_by_role("checkbox", name=CONSENT)
    await expect(box).not_to_be_checked()
    await page.get_by_role("radio", name="Visa •••• 1881").check()
    button = page.get_by_role("button", name="Firma e paga 53,33 € ora")
    await button.click()  # the browser itself requires the box
    assert gateway.services.calls("SignPlanPage") == 0
    await box.check()
    show(gateway, signed(PLAN.STATE_ACTIVE, PAID))
    await button.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Il tuo piano è in corso")
    seen = gateway.services.last("SignPlanPage")
    assert (seen.request.instrument_id, seen.request.agreement_sha256) == ("ins_1881", SHA)
    assert (seen.call.idempotency_key, seen.call.merchant_id) == ("form-key-1", "")


async def test_a_plan_can_be_signed_with_the_keyboard(gateway, tab):
    show(gateway, to_sign())
    await tab.goto(gateway.url + PATH)
    await tab.get_by_role("checkbox").focus()
    await tab.keyboard.press("Space")
    await tab.keyboard.press("Tab")
    show(gateway, signed(PLAN.STATE_ACTIVE, PAID))
    await tab.keyboard.press("Enter")
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Il tuo piano è in corso")
    assert gateway.services.calls("SignPlanPage") == 1


async def test_paying_changing_the_card_and_withdrawing_work_without_javascript(
    scriptless, gateway
):
    """One part with another card, another card for the rest, and the two steps of a withdrawal."""
    page = scriptless
    active = running(signed(PLAN.STATE_ACTIVE, PAID, offer=credit("it")))
    show(gateway, active)
    await page.goto(gateway.url + PATH)
    await page.get_by_text("Paga ora una rata").click()
    one = page.locator("details").nth(0)
    await one.get_by_role("radio", name="26 gennaio 2027, invece di 41,25").check()
    await one.get_by_role("radio", name="Visa •••• 1881").check()
    async with page.expect_navigation():  # back to where it is
        await one.get_by_role("button", name="Paga ora questa rata").click()
    seen = gateway.services.last("PayPlanPage").request
    assert (seen.number, seen.amount_minor, seen.instrument_id) == (3, 4085, "ins_1881")
    await page.get_by_text("Cambia la carta").click()
    await page.get_by_role("button", name="Usa questa carta").click()
    await expect(page.get_by_role("alert")).to_contain_text("la carta che hai scelto")
    assert gateway.services.last("ReplacePlanPageCard").request.instrument_id == "ins_1881"
    gateway.services.answers["WithdrawPlanPage"] = owed(active)
    await page.get_by_text("Recedere dal contratto qui").first.click()
    await page.get_by_label("Il tuo nome").fill("Giulia Bianchi")
    await page.get_by_label("E-mail o telefono per la ricevuta").fill("giulia@example.com")
    await page.get_by_role("button", name="Recedere dal contratto qui").click()
    async with page.expect_navigation():  # back to where it is
        await page.get_by_role("button", name="Conferma recesso").click()
    assert gateway.services.last("WithdrawPlanPage").request.confirm


@pytest.mark.parametrize("locale", ["it", "en"])
async def test_the_second_step_of_a_withdrawal_is_accessible(tab, gateway, locale):
    found = running(signed(PLAN.STATE_ACTIVE, PAID, offer=credit(locale), locale=locale))
    show(gateway, found)
    gateway.services.answers["WithdrawPlanPage"] = owed(found)
    await tab.goto(gateway.url + PATH)
    await tab.locator("details").last.locator("summary").click()
    await tab.locator("[name=name]").fill("Giulia Bianchi")
    await tab.locator("[name=sent_to]").fill("giulia@example.com")
    await tab.keyboard.press("Enter")
    await expect(tab.locator("body[data-view=plan-withdrawal]")).to_be_visible()
    await check(tab, f"plan-withdrawal-{locale}")


@pytest.mark.parametrize("number", range(4))
async def test_each_choice_is_accessible_when_it_is_open(tab, gateway, number):
    show(gateway, STATES["active-credit"]())
    await tab.goto(gateway.url + PATH)
    await tab.locator("summary").nth(number).click()
    await check(tab, f"plan-choice-{number}")
