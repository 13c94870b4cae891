"""A plan's page in a real browser on the real stack: read, signed with a challenge, another card, ended."""

from playwright.async_api import expect

from stack.instalment_journeys import planned
from tests.browser import faults, needs_chromium
from tests.e2e.test_links_browser import phone

pytestmark = needs_chromium
__all__ = ["phone"]
CHALLENGED_AT_SETUP = "4000000000003220"


async def read(page):
    """Downloads both documents."""
    for name in ("Informazioni su queste rate (PDF)", "Accordo (PDF)"):
        async with page.expect_download() as download:
            await page.get_by_role("button", name=name).click()
        path = await (await download.value).path()
        assert path.read_bytes().startswith(b"%PDF-")
    await page.get_by_role("link", name="Ho entrambi i documenti, avanti").click()


async def sign(page):
    await expect(page.get_by_role("checkbox")).not_to_be_checked()
    await page.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Firma e paga").click()


async def test_a_plan_signed_with_a_challenge_is_paid_off_with_another_card(shop, phone):
    """The bank's challenge comes in between and returns to the page."""
    customer = await shop.customer("tok_3ds")
    other = await shop.attach(customer, "tok_mastercard", "sandbox-a")
    plan = await planned(shop, customer, 60_000)
    await phone.goto(plan["url"])
    await read(phone)
    await sign(phone)
    await phone.get_by_role("button", name="Approva").click()
    running = phone.locator("[data-view=plan-active]")
    await expect(running).to_be_visible()
    assert phone.url == plan["url"]
    assert await faults(phone) == []

    await phone.get_by_text("Cambia la carta").click()
    await phone.get_by_role("button", name="Usa questa carta da ora in poi").click()
    await expect(phone.get_by_role("alert")).to_contain_text("la carta che hai scelto")
    path = f"/v1/instalment-plans/{plan['id']}"
    assert (await shop.get(path))["instrument_id"] == other["id"]

    await phone.get_by_text("Paga ora tutto il resto").click()
    await phone.get_by_role("button", name="Paga 400,00").click()
    await expect(phone.locator("[data-view=plan-completed]")).to_be_visible()
    ended = await shop.get(path)
    assert (ended["state"], ended["paid_minor"], ended["outstanding_minor"]) == (
        "completed",
        60_000,
        0,
    )
    payments = {part["payment_id"] for part in ended["instalments"]}
    assert len(payments) == 2


async def without_card(shop, page):
    """A plan that was read by a customer without a card."""
    customer = (await shop.call("POST", "/v1/customers", {"name": "Giulia Bianchi"})).expect(201)
    plan = await planned(shop, customer["id"], 60_000)
    await page.goto(plan["url"])
    await read(page)
    return customer["id"], plan


async def type_card(page, number):
    field = page.frame_locator("iframe")
    for name, text in (("number", number), ("expiry", "12/34"), ("cvc", "123")):
        await field.locator(f"#{name}").fill(text)


async def signed_by(shop, plan, customer_id, last4):
    """Asserts that the plan is signed and the card is saved for the customer and the plan."""
    (card,) = (await shop.get(f"/v1/customers/{customer_id}/instruments"))["data"]
    assert (card["brand"], card["last4"], card["state"]) == ("visa", last4, "active")
    signed = await shop.get(f"/v1/instalment-plans/{plan['id']}")
    assert (signed["state"], signed["instrument_id"]) == ("active", card["id"])


async def test_a_customer_without_a_saved_card_enters_one_and_signs(shop, phone):
    customer_id, plan = await without_card(shop, phone)
    await type_card(phone, "4242424242424242")
    await sign(phone)
    await expect(phone.locator("[data-view=plan-active]")).to_be_visible()
    await signed_by(shop, plan, customer_id, "4242")


async def test_a_new_card_challenged_at_setup_is_saved_and_signs_the_plan(shop, phone):
    customer_id, plan = await without_card(shop, phone)
    await type_card(phone, CHALLENGED_AT_SETUP)
    await sign(phone)
    await phone.get_by_role("link", name="Conferma con la tua banca").click()
    await phone.get_by_role("button", name="Approva").click()
    await expect(phone.get_by_role("alert")).to_contain_text("confermata e salvata")
    await expect(phone.get_by_role("radio", name="3220")).to_be_checked()
    assert (await shop.get(f"/v1/instalment-plans/{plan['id']}"))["state"] == "offered"
    await sign(phone)
    await expect(phone.locator("[data-view=plan-active]")).to_be_visible()
    await signed_by(shop, plan, customer_id, "3220")
