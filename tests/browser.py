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
# from what was light in its colours only; and colours that axe has judged it need not judge again on a wider page or on
# the next, which takes it longer than all else: an element's contrast follows from its own style and from what is
# behind it. Contrast asks for the size of a letter where 24 pixels begin, or 18.66 of bold ones.
FAULTS: Final = """([options, judged]) => {
  const known = new Set(judged), fresh = new Set();
  const look = (element, behind, beside, faded) => {
    if (!element.checkVisibility()) return;
    const style = getComputedStyle(element);
    const [size, weight] = [parseFloat(style.fontSize), parseFloat(style.fontWeight)];
    const [paint, image] = [style.backgroundColor, style.backgroundImage];
    if (image != "none") behind += paint + image;
    else if (paint.startsWith("rgb(")) behind = paint;
    else if (paint != "rgba(0, 0, 0, 0)") behind += paint;
    faded *= style.opacity;
    const colours = [
      style.visibility, faded, style.color, behind, size >= 24 || (size >= 18.66 && weight >= 700), style.textShadow,
      element.localName == "a" && [beside, weight, style.textDecorationLine, style.borderBottomStyle],
    ].join();
    if (!known.has(colours)) fresh.add(colours);
    for (const root of [element, element.shadowRoot])
      for (const child of root?.children ?? []) look(child, behind, style.color, faded);
  };
  look(document.documentElement, "", "", 1);
  const rules = ["color-contrast", "link-in-text-block"];
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (dark && !fresh.size) return [[], []];
  return axe.run({
    iframes: false,
    resultTypes: ["violations"],
    ...options,
    ...dark && {runOnly: rules},
    ...!fresh.size && {rules: Object.fromEntries(rules.map(rule => [rule, {enabled: false}]))},
  }).then(found => [found.violations.map(one => [one.id, ...one.nodes.map(node => node.html)]), [...fresh]]);
}"""
_judged: Final[set[str]] = set()  # colours that axe has found good
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
    found, colours = await page.evaluate(FAULTS, [options, [*_judged]])
    if not found:
        _judged.update(colours)
    return found
