"""What browsers load: the web component, the pages' stylesheet, and the page to look at it with."""

from typing import Final

from aiohttp import web

from services.gateway import static_files
from services.gateway.security import CSP_PAGE

_ANYWHERE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def routes(*, demo_pages: bool) -> list[web.RouteDef]:
    found = [
        web.get("/js/v1/incasso.js", static_files.asset("incasso.js", _ANYWHERE).serve),
        web.get("/assets/pages.css", static_files.asset("pages.css").serve),
        web.get("/assets/pay.js", static_files.asset("pay.js").serve),
    ]
    if demo_pages:
        page = static_files.asset("demo_one_click.html", {"Content-Security-Policy": CSP_PAGE})
        found += [
            web.get("/demo/one-click", page.serve),
            web.get("/demo/one-click.js", static_files.asset("demo_one_click.js").serve),
        ]
    return found
