"""Colours are checked once: an element is checked again if anything that affects its contrast differs."""

import pytest
from playwright.async_api import Browser

from tests.browser import DESK, PHONE, browser, faults, needs_chromium, opened_page

pytestmark = needs_chromium
__all__ = ["browser"]
GOOD = "<p style='color: #767676; background: #fff'>Seven</p>"
BAD = {
    "paler": "<p style='color: #999; background: #fff'>Seven</p>",
    "on another ground": "<p style='color: #767676; background: #777'>Seven</p>",
    "on the ground of what is around it": "<div style='background: #777'><div><p style='color: #767676'>Seven</p></div></div>",
    "see-through": "<p style='color: #767676; background: #fff; opacity: 0.7'>Seven</p>",
    "small": "<p style='color: #8a8a8a; background: #fff'>Seven</p>",
}
POOR = "color: #777; background: #767676"
UNREAD = {
    "a ground without words": f"<div style='{POOR}; height: 9px'></div>",
    "a button that cannot be pressed": f"<button disabled style='{POOR}; border: 0'>Seven</button>",
    "words off the page": f"<p style='{POOR}; position: absolute; left: -9999px'>Seven</p>",
}
LARGE = "<p style='color: #8a8a8a; background: #fff; font-size: 24px'>Seven</p>"
BY_QUERY = """<style>p { color: #000; background: #fff }
@media (%s) { p { color: #999 } }</style><p>Seven</p>"""


def document(body: str) -> str:
    return f"<!doctype html><html lang=en><title>Seven</title><main><h1>One</h1>{body}</main>"


async def rules(page, body: str) -> set[str]:
    await page.set_content(document(body))
    return {rule for rule, *_ in await faults(page)}


@pytest.mark.parametrize("name", BAD)
async def test_poor_contrast_is_found_next_to_colours_already_checked(browser: Browser, name: str):
    async with opened_page(browser) as page:
        assert await rules(page, GOOD + LARGE) == set()
        assert await rules(page, GOOD + LARGE + BAD[name]) == {"color-contrast"}
        assert await rules(page, GOOD + LARGE + BAD[name]) == {"color-contrast"}


@pytest.mark.parametrize("name", UNREAD)
async def test_colours_without_readable_text_are_not_checked(browser: Browser, name: str):
    async with opened_page(browser) as page:
        assert await rules(page, UNREAD[name]) == set()
        assert await rules(page, f"{UNREAD[name]}<p style='{POOR}'>Seven</p>") == {"color-contrast"}


@pytest.mark.parametrize("query", ["min-width: 1000px", "prefers-color-scheme: dark"])
async def test_poor_contrast_in_one_media_query_only_is_found(browser: Browser, query: str):
    async with opened_page(browser) as page:
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        assert await rules(page, BY_QUERY % query) == set()
        await page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        await page.emulate_media(color_scheme="dark")
        assert {rule for rule, *_ in await faults(page)} == {"color-contrast"}
