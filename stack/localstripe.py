"""Starts localstripe for the stack: on 127.0.0.1 only, with its data in the stack's own folder.

By default localstripe listens on every address, keeps its state in one shared file in /tmp, writes it
on each request and forgets its webhooks when it restarts.
"""

import argparse
import asyncio
import contextlib
import pickle
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web
from localstripe import server, webhooks  # type: ignore[import-untyped]  # has no types
from localstripe.resources import Store, store  # type: ignore[import-untyped]  # same

from stack import localstripe_gaps

SAVE_EVERY_SECONDS = 0.5


class Keeper:
    """Saves the state shortly after each change."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.changed = False

    def note_change(self) -> None:
        self.changed = True

    def load(self) -> None:
        with contextlib.suppress(FileNotFoundError), self.file.open("rb") as stored:
            state = pickle.load(stored)  # noqa: S301 - our own file
            store.update(state["store"])
            webhooks._webhooks.update(state["webhooks"])  # noqa: SLF001 - there is no public access
        self.changed = False

    def save(self) -> None:
        state = {"store": dict(store), "webhooks": webhooks._webhooks}  # noqa: SLF001 - as above
        fresh = self.file.with_suffix(".new")
        fresh.write_bytes(pickle.dumps(state, protocol=pickle.HIGHEST_PROTOCOL))
        fresh.replace(self.file)
        self.changed = False

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        saving = asyncio.create_task(self._save_when_changed())
        yield
        saving.cancel()
        self.save()

    async def _save_when_changed(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_SECONDS)
            if self.changed:
                self.save()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stack.localstripe", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.data.mkdir(parents=True, exist_ok=True)
    keeper = Keeper(arguments.data / "state.pickle")
    Store.dump_to_disk = keeper.note_change  # bound: called without the store
    keeper.load()
    localstripe_gaps.fill(server.app, f"http://127.0.0.1:{arguments.port}")
    server.app.cleanup_ctx.append(keeper.run)
    web.run_app(server.app, host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
