"""The page of a plan in a real browser on the real stack: read, signed with a challenge, another card, ended."""

from playwright.async_api import expect

from stack.instalment_journeys import planned
from tests.browser import faults, needs_chromium
from tests.e2e.test_links_browser import phone

pytestmark = needs_chromium
__all__ = ["phone"]


async def read(page):
    """Takes both documents, as they are."""
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


async def test_a_plan_is_signed_with_a_challenge_then_paid_by_another_card(shop, phone):
    """The bank asks in between, and leads back to the page."""
    customer = await shop.customer("tok_3ds")
    other = await shop.attach(customer, "tok_mastercard", "sandbox-a")
    plan = await planned(shop, customer, 60_000)
    await phone.goto(plan["url"])
    await read(phone)
    await sign(phone)
    await phone.get_by_role("button", name="Approva").click()
    await expect(phone.locator("[data-view=plan-active]")).to_be_visible()
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
