"""/openapi.json and /docs: the reference as a document and as a page, from this machine only."""

from typing import Final

from aiohttp import web

from libs import json_out
from services.gateway import openapi, static_files
from services.gateway.routes import Route
from services.gateway.security import CSP_DOCS

_ANYWHERE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def routes(known: tuple[Route, ...], *, public_url: str) -> list[web.RouteDef]:
    found = json_out.dump(openapi.document(known, public_url=public_url))
    document = static_files.made(found, ".json", headers=_ANYWHERE)
    page = static_files.asset("docs.html", {"Content-Security-Policy": CSP_DOCS})
    return [
        web.get("/openapi.json", document.serve),
        web.get("/docs", page.serve),
        web.get("/docs/docs.js", static_files.asset("docs.js").serve),
        web.get("/docs/docs.css", static_files.asset("docs.css").serve),
        web.get("/docs/swagger-ui.css", static_files.swagger("swagger-ui.css").serve),
        web.get("/docs/swagger-ui.js", static_files.swagger("swagger-ui-bundle.js").serve),
    ]
