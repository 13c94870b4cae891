"""A real browser for tests: the machine's Chromium, driven by Playwright.

Prefers its headless shell: the same engine without windows, tabs and menus, which take three quarters of
the CPU time of a page that a test opens.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.waiting import HANGING_SECONDS

CHROMIUM: Final = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--accept-lang=en-US",  # for contexts without a locale
    # One process renders all pages of a test and the PSP's fields in them; origins stay isolated from each
    # other all the same. A process per document would compile axe and our scripts again.
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--in-process-gpu",
    # No page lives long enough to repay the cost of optimising code, or of discarding bytecode.
    "--js-flags=--no-maglev,--no-turbofan,--no-flush-bytecode,--min-semi-space-size=16",
]
# A folder that receives screenshots of the pages.
SCREENSHOTS: Final = os.environ.get("SCREENSHOTS")
# A script that defines `startAxe`; axe itself runs only in documents that are checked.
AXE: Final = f"""globalThis.startAxe = () => {{
{AXE_SCRIPT}
}};
{Path(__file__).with_name("faults.js").read_text()}"""
_judged: Final[set[str]] = set()  # colours that axe has already passed
JUDGE: Final = "given => globalThis.faultsOfPage?.(...given)"
OVERFLOW: Final = "document.documentElement.scrollWidth - innerWidth"
PHONE: Final = (390, 844)
DESK: Final = (1280, 900)
HANGING_MS: Final = HANGING_SECONDS * 1000
expect.set_options(timeout=HANGING_MS)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        await started.close()


@asynccontextmanager
async def opened_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page in its own context, with `options` for new_context; it waits as long as other tests."""
    context = await browser.new_context(**options)
    try:
        context.set_default_timeout(HANGING_MS)
        yield await context.new_page()
    finally:
        await context.close()


async def looks(page: Page, name: str) -> AsyncIterator[str]:
    """Shows the page narrow and wide, light and dark, and takes a screenshot of each if SCREENSHOTS is set.

    `async for manner in looks(page, "paid"): …` checks what must hold in each of them.
    """
    for (across, down), schemes in ((PHONE, ("light", "dark")), (DESK, ("dark", "light"))):
        await page.set_viewport_size({"width": across, "height": down})
        for scheme in schemes:
            if (across, scheme) != (DESK[0], "dark"):  # already set for the phone
                await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if SCREENSHOTS:
                path = f"{SCREENSHOTS}/{name}-{across}-{scheme}.png"
                await page.screenshot(path=path, full_page=True)
            yield f"{across} {scheme}"


async def check(page: Page, name: str) -> None:
    """Asserts no WCAG 2.2 AA violation and no overflow: in both colour schemes, on a phone and a desktop."""
    async for manner in looks(page, name):
        found, overflow = await _judge(page, {})
        assert found == [], manner
        assert overflow <= 0, manner


async def faults(page: Page, **options: Any) -> list[list[str]]:
    """The violations that axe finds on the page as shown, by rule. `options`: those of axe's `run`."""
    found, _ = await _judge(page, options)
    return found


async def _judge(page: Page, options: dict[str, Any]) -> tuple[list[list[str]], int]:
    """The violations, and by how many pixels the page is wider than the viewport."""
    arguments = [options, "\n".join(_judged)]
    if (answer := await page.evaluate(JUDGE, arguments)) is None:
        await page.evaluate(AXE)
        answer = await page.evaluate(JUDGE, arguments)
    found, colours, overflow = answer
    if not found:
        _judged.update(colours.split("\n"))
    return found, overflow
