"""A shop's page, on its own origin and with the strictest possible content policy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.services.gateway.conftest import Gateway


@asynccontextmanager
async def storefront(shop: Gateway, body: str) -> AsyncIterator[str]:
    """The address of a page that loads the web components of the gateway `shop`."""
    html = (
        '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">'
        f'<script type="module" src="{shop.url}/js/v1/incasso.js"></script>{body}'
    )

    async def page(_: web.Request) -> web.Response:
        policy = f"default-src 'none'; script-src {shop.url}; connect-src {shop.url}; img-src data:"
        headers = {"Content-Security-Policy": policy}
        return web.Response(text=html, content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()
