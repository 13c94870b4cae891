"""The admin port of a process: /healthz/live, /healthz/ready and /metrics."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Ready = Callable[[], Awaitable[str]]


class Admin:
    """`ready` returns "" if the process can work, otherwise the reason why not. `warning` returns a
    problem with its settings that does not stop it, if any.
    """

    def __init__(self, ready: Ready, warning: Callable[[], str] = str) -> None:
        self._ready = ready
        self._warning = warning
        self._leaving = False
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz/live", self._live),
                web.get("/healthz/ready", self._is_ready),
                web.get("/metrics", self._metrics),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, host: str, port: int) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    def leave(self) -> None:
        """Reports not ready from now on: the process is shutting down."""
        self._leaving = True

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _live(self, _: web.Request) -> web.Response:
        return web.Response(text="live\n")

    async def _is_ready(self, _: web.Request) -> web.Response:
        why_not = "the process is stopping" if self._leaving else await self._ready()
        if why_not:
            return web.Response(status=503, text=f"{why_not}\n")
        warning = self._warning()
        return web.Response(text=f"ready\nwarning: {warning}\n" if warning else "ready\n")

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
