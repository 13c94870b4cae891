"""`make pictures`: what the README shows of the console, of the shop that `make demo-data` has left in
the running stack.
"""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.async_api import Page, async_playwright

from libs import terminal
from stack.demo_data.planting import OWNER, remembered
from stack.demo_merchant import read_demo_env
from stack.embedded import REPOSITORY
from stack.topology import DEMO_PASSWORD

ROOT: Final = REPOSITORY / ".incasso"
TO: Final = REPOSITORY / "docs" / "images"
SIZE: Final = {"width": 1280, "height": 900}
PAGES: Final = {"console-overview": "/", "console-workbench": "/reconciliation"}
BROWSERS: Final = ("chromium-headless-shell", "chromium")
MOST_BYTES: Final = 200 * 1024


async def take() -> None:
    planted = remembered(ROOT)
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if planted is None or not planted.complete or browser is None:
        sys.exit(
            "Run `make demo-data` first, with Chromium installed; the stack has to be running."
        )
    url = read_demo_env(ROOT / "demo.env")["INCASSO_CONSOLE_URL"]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=browser, args=["--no-sandbox", "--hide-scrollbars"]
        )
        context = await chromium.new_context(
            viewport={"width": SIZE["width"], "height": SIZE["height"]}, locale="en-GB"
        )
        page = await context.new_page()
        await _sign_in(page, url, f"{OWNER}@{planted.domain}")
        for name, path in PAGES.items():
            await page.goto(url + path)
            _keep(TO / f"{name}.png", await page.screenshot())
        await chromium.close()


async def _sign_in(page: Page, url: str, email: str) -> None:
    await page.goto(url)
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(DEMO_PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{url}/")


def _keep(file: Path, picture: bytes) -> None:
    if len(picture) > MOST_BYTES:
        sys.exit(f"{file.name} has {len(picture):,} bytes, more than {MOST_BYTES:,}")
    file.write_bytes(picture)
    sys.stdout.write(f"{file.relative_to(REPOSITORY)}: {len(picture):,} bytes\n")


if __name__ == "__main__":
    terminal.prepare()
    asyncio.run(take())
