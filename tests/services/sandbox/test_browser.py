"""The card field and the bank's page in a real browser, embedded by a page of another origin."""

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from playwright.async_api import Page

PARENT = """<!doctype html><title>Shop</title><link rel="icon" href="data:,"><div id="field"></div><output></output>
<script src="{sandbox}/psp/field.js"></script>
<script>
  const output = document.querySelector("output");
  IncassoSandbox.mount(document.getElementById("field"), {{
    account: "sandbox-a", locale: "it",
    onToken: (card) => {{ output.textContent = JSON.stringify(card); }},
    onError: (problem) => {{ output.textContent = "error " + problem.field; }},
  }});
</script>"""


@pytest.fixture
async def shop(sandbox) -> AsyncIterator[str]:
    """A page of another origin than the sandbox's that embeds its field."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PARENT.format(sandbox=sandbox.url), content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


def watched(page: Page) -> list[str]:
    """Errors of the page itself; a refused card is an expected 422."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            errors.append(message.text)
            if message.type == "error" and "422" not in message.text
            else None
        ),
    )
    return errors


async def test_a_typed_card_reaches_the_shop_as_a_token(sandbox, new_page, shop):
    page = await new_page()
    errors = watched(page)
    await page.goto(shop)
    field = page.frame_locator("iframe")
    await field.get_by_label("Numero della carta").press_sequentially("4242424242424241")
    await field.get_by_label("Scadenza").press_sequentially("1231")
    await field.get_by_label("Codice di sicurezza").fill("123")
    await field.get_by_role("button", name="Salva la carta").click()
    await page.get_by_text("error number").wait_for()
    assert "manca una cifra" in await field.get_by_role("alert").inner_text()

    await field.get_by_label("Numero della carta").fill("4242 4242 4242 4242")
    await field.get_by_role("button", name="Salva la carta").click()
    output = page.get_by_text("sbt_")
    card = json.loads(await output.inner_text())
    assert (card["brand"], card["last4"]) == ("visa", "4242")
    assert (await sandbox.charge(token=card["token"])).body["state"] == "captured"
    assert errors == []


async def test_approving_a_challenge_returns_the_browser_to_the_shop(sandbox, new_page, shop):
    back = f"{shop}?payment_reference=pay_1"
    charge = (await sandbox.charge(token="tok_3ds", return_url=back)).body
    page = await new_page()
    errors = watched(page)
    await page.goto(charge["redirect_url"])
    await page.get_by_role("button", name="Approve").click()
    await page.wait_for_url(back)
    assert (await sandbox.read(f"/charges/{charge['id']}")).body["state"] == "captured"
    assert errors == []
