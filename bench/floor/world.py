"""The outside world: a PSP and a mail server. None of the figures include their cost."""

import asyncio
from typing import Final

import aiohttp
from aiohttp import web

from bench.floor.places import HOST, Places, listen

NOTICE: Final = b"x" * 600


async def world(places: Places) -> object:
    """A PSP that approves and then sends its webhook, and a mail server."""
    http, notices = aiohttp.ClientSession(), set[asyncio.Task[None]]()

    async def send_notice() -> None:
        async with http.post(f"http://{HOST}:{places.gateway}/webhook", data=NOTICE) as response:
            await response.read()

    async def charge(request: web.Request) -> web.Response:
        asked = await request.json()
        task = asyncio.create_task(send_notice())
        notices.add(task)
        task.add_done_callback(notices.discard)
        answer = {"id": "ch_1", "state": "captured", "amount_minor": asked["amount_minor"]}
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/charges", charge)
    return await listen(app, places.psp), await asyncio.start_server(take_mail, HOST, places.smtp)


async def take_mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Just enough SMTP for one well-behaved client."""
    writer.write(b"220 floor\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"DATA"):
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 ok\r\n")
