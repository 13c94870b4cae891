"""A real browser for tests: the Chromium of the machine, by playwright.

Its headless shell when there is one: the same engine without the windows, tabs and menus, which take three
quarters of the processor time of a page that a test opens.
"""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM: Final = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--accept-lang=en-US",  # of a context that names no locale
]
# A folder: keeps pictures there, to look at the pages.
SCREENSHOTS: Final = os.environ.get("SCREENSHOTS")
# axe stays in a document. The frames inside are the PSP's own: axe would wait for their answer. What is dark differs
# from what was light in its colours only.
FAULTS: Final = """options => axe.run({
  iframes: false,
  resultTypes: ["violations"],
  ...options,
  ...matchMedia("(prefers-color-scheme: dark)").matches && {runOnly: ["color-contrast", "link-in-text-block"]},
}).then(found => found.violations.map(one => [one.id, ...one.nodes.map(node => node.html)]))"""
PHONE: Final = (390, 844)
DESK: Final = (1280, 900)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


async def looks(page: Page, name: str) -> AsyncIterator[str]:
    """Shows the page narrow and wide, light and dark, and keeps a picture of each.

    `async for manner in looks(page, "paid"): …` checks what is to be true in each of them.
    """
    for across, down in (PHONE, DESK):
        await page.set_viewport_size({"width": across, "height": down})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if SCREENSHOTS:
                path = f"{SCREENSHOTS}/{name}-{across}-{scheme}.png"
                await page.screenshot(path=path, full_page=True)
            yield f"{across} {scheme}"


async def faults(page: Page, **options: Any) -> list[list[str]]:
    """What axe has to say against the page as it is shown, by rule. `options` as of its `run`."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    return await page.evaluate(FAULTS, options)
