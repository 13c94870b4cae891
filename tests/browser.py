"""A real browser for tests: the Chromium of the machine, by playwright.

Its headless shell when there is one: the same engine without the windows, tabs and menus, which take three
quarters of the processor time of a page that a test opens.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
    "--accept-lang=en-US",  # of a context that names no locale
]
# A folder: keeps pictures there, to look at the pages.
SCREENSHOTS: Final = os.environ.get("SCREENSHOTS")
# axe stays in a document. The frames inside are the PSP's own: axe would wait for their answer. What is dark differs
# from what was light in its colours only; and colours that axe has judged in a document it need not judge again,
# which takes it longer than all else, when the page is only wider: contrast asks for the size of a letter where 24
# pixels begin, or 18.66 of bold ones.
FAULTS: Final = """options => {
  const colours = [];
  const look = root => root.querySelectorAll("*").forEach(element => {
    const style = getComputedStyle(element);
    const [size, weight] = [parseFloat(style.fontSize), parseFloat(style.fontWeight)];
    colours.push([
      element.checkVisibility(), style.visibility, style.opacity, style.color, style.textShadow, style.textDecorationLine,
      style.backgroundColor, style.backgroundImage, weight, size >= 24 || (size >= 18.66 && weight >= 700),
    ].join());
    if (element.shadowRoot) look(element.shadowRoot);
  });
  look(document);
  window.judged ??= new Set();
  const known = judged.has(colours.join(";"));
  judged.add(colours.join(";"));
  const rules = ["color-contrast", "link-in-text-block"];
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (dark && known) return [];
  return axe.run({
    iframes: false,
    resultTypes: ["violations"],
    ...options,
    ...dark && {runOnly: rules},
    ...known && {rules: Object.fromEntries(rules.map(rule => [rule, {enabled: false}]))},
  }).then(found => found.violations.map(one => [one.id, ...one.nodes.map(node => node.html)]));
}"""
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
    """In a context of its own, with `options` as of new_context; as patient as other tests."""
    context = await browser.new_context(**options)
    try:
        context.set_default_timeout(HANGING_MS)
        yield await context.new_page()
    finally:
        await context.close()


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


async def check(page: Page, name: str) -> None:
    """No violation of WCAG 2.2 AA and nothing too wide: on either scheme, on a phone and on a desk."""
    async for manner in looks(page, name):
        assert await faults(page) == [], manner
        assert await page.evaluate(OVERFLOW) <= 0, manner


async def faults(page: Page, **options: Any) -> list[list[str]]:
    """What axe has to say against the page as it is shown, by rule. `options` as of its `run`."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    return await page.evaluate(FAULTS, options)
