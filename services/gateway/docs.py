"""/openapi.json and /docs: the reference as a document and as a page, from this machine only."""

from aiohttp import web

from libs import json_out
from services.gateway import static_files
from services.gateway.config import Config
from services.gateway.openapi import document
from services.gateway.routes import Route
from services.gateway.security import CSP_DOCS


def routes(known: tuple[Route, ...], config: Config) -> list[web.RouteDef]:
    found = document.build(known, public_url=config.public_url, contact_email=config.contact_email)
    described = static_files.made(json_out.dump(found), ".json", headers=static_files.ANYWHERE)
    page = static_files.asset("docs.html", {"Content-Security-Policy": CSP_DOCS})
    return [
        web.get("/openapi.json", described.serve),
        web.get("/docs", page.serve),
        web.get("/docs/docs.js", static_files.asset("docs.js").serve),
        web.get("/docs/scalar.js", static_files.asset("scalar/standalone.js").serve),
    ]
