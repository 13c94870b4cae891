"""`make pictures`: the README's screenshots of the console, taken of the shop that `make demo-data` left
in the running stack.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from libs import terminal
from stack.console_visits import NoBrowserError, visit
from stack.demo_data.planting import OWNER, remembered
from stack.demo_merchant import read_demo_env
from stack.embedded import REPOSITORY

ROOT: Final = REPOSITORY / ".incasso"
TO: Final = REPOSITORY / "docs" / "images"
PAGES: Final = {"console-overview": "/", "console-workbench": "/reconciliation"}
MOST_BYTES: Final = 200 * 1024


async def take() -> None:
    planted = remembered(ROOT)
    if planted is None or not planted.complete:
        sys.exit("Run `make demo-data` first; the stack has to be running.")
    url = read_demo_env(ROOT / "demo.env")["INCASSO_CONSOLE_URL"]
    try:
        async with visit(url, f"{OWNER}@{planted.domain}") as page:
            for name, path in PAGES.items():
                await page.goto(url + path)
                _keep(TO / f"{name}.png", await page.screenshot())
    except NoBrowserError as error:
        sys.exit(str(error))


def _keep(file: Path, picture: bytes) -> None:
    if len(picture) > MOST_BYTES:
        sys.exit(f"{file.name} has {len(picture):,} bytes, more than {MOST_BYTES:,}")
    file.write_bytes(picture)
    sys.stdout.write(f"{file.relative_to(REPOSITORY)}: {len(picture):,} bytes\n")


if __name__ == "__main__":
    terminal.prepare()
    asyncio.run(take())
