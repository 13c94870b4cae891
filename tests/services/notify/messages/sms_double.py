"""Twilio's Messages API over real HTTP, as far as we use it, with answers that a test can script."""

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

ACCOUNT = "AC" + "0" * 32
TOKEN = "twilio-auth-token"


class SmsApi:
    """`script`: answers to POSTs, in order: (status, body, headers), "lose" or "drop".

    "lose" accepts the message and cuts the connection; "drop" only cuts it.
    """

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.script: list[Any] = []
        self.posts = 0
        self.lists = 0
        self.list_status = 200
        self.base = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        app.add_routes([web.post(path, self._post), web.get(path, self._list)])
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        self.posts += 1
        form = await request.post()
        answer = self.script.pop(0) if self.script else None
        if isinstance(answer, tuple):
            status, body, headers = answer
            return web.json_response(body, status=status, headers=headers)
        if answer != "drop":
            made = {
                "sid": f"SM{len(self.taken):032}",
                "body": form["Body"],
                "to": form["To"],
                "from": form["From"],
                "callback": form["StatusCallback"],
                "date_created": format_datetime(datetime.now(UTC)),
            }
            self.taken.append(made)
        if answer in {"drop", "lose"}:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0)
        return web.json_response(self.taken[-1] if self.taken else {}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        self.lists += 1
        if self.list_status != 200:
            return web.json_response({}, status=self.list_status)
        wanted = [one for one in self.taken if one["to"] == request.query["To"]]
        return web.json_response({"messages": wanted[::-1]})
