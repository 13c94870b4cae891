"""A browser that is signed in to the console of the embedded stack."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Page, ViewportSize, async_playwright

from stack.topology import DEMO_PASSWORD

BROWSERS: Final = ("chromium-headless-shell", "chromium")
SIZE: Final = ViewportSize(width=1280, height=900)


class NoBrowserError(Exception):
    """Chromium is not installed."""


@asynccontextmanager
async def visit(url: str, email: str) -> AsyncIterator[Page]:
    """`url`: the console's. Signs in with the demo's password."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise NoBrowserError("Install Chromium first: `make chromium`.")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--hide-scrollbars"]
        )
        context = await chromium.new_context(viewport=SIZE, locale="en-GB")
        page = await context.new_page()
        await page.goto(url)
        await page.get_by_label("E-mail").fill(email)
        await page.get_by_label("Password").fill(DEMO_PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{url}/")
        yield page
        await chromium.close()
