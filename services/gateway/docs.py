"""/openapi.json and /docs: the reference as a document and as a page, without external
resources.
"""

from functools import cache

from aiohttp import web

from libs import json_out
from libs.web.headers import CSP_DOCS
from libs.web.static_files import StaticFile, static_file
from services.gateway import static_files
from services.gateway.config import Config
from services.gateway.openapi import document
from services.gateway.routes import all_routes


def routes(config: Config) -> list[web.RouteDef]:
    described = _document(config.public_url, config.contact_email)
    page = static_files.asset("docs.html", {"Content-Security-Policy": CSP_DOCS})
    return [
        web.get("/openapi.json", described.serve),
        web.get("/docs", page.serve),
        web.get("/docs/docs.js", static_files.asset("docs.js").serve),
        web.get("/docs/scalar.js", static_files.asset("scalar/standalone.js").serve),
    ]


@cache
def _document(public_url: str, contact_email: str) -> StaticFile:
    """Shared by all gateways of a process: a test process has a hundred of them."""
    found = document.build(all_routes(), public_url=public_url, contact_email=contact_email)
    return static_file(json_out.dump(found), ".json", headers=static_files.ANYWHERE)
