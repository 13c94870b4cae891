"""Files for browsers: web components, stylesheet and scripts of pages, demos."""

from pathlib import Path
from typing import Final

from aiohttp import web

from libs.web.headers import CSP_PAGE
from libs.web.static_files import StaticFile, of_file, static_file, stylesheet

# For pages of other sites.
ANYWHERE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_FOLDER: Final = Path(__file__).parent / "static"
# One module of several files, in this order: no cache can mix their versions.
_ELEMENTS: Final = ("element.js", "one_click.js", "instalments.js")
_DEMOS: Final = ("one-click", "instalments")


def asset(name: str, headers: dict[str, str] | None = None) -> StaticFile:
    return of_file(_FOLDER / name, headers)


def elements() -> StaticFile:
    """The web components."""
    parts = [(_FOLDER / "elements" / name).read_bytes() for name in _ELEMENTS]
    return static_file(b"\n".join(parts), ".js", headers=ANYWHERE)


def routes(*, demo_pages: bool) -> list[web.RouteDef]:
    found = {
        "/js/v1/incasso.js": elements(),
        "/assets/pages.css": stylesheet(_FOLDER / "pages.css"),
        "/assets/pay.js": asset("pay.js"),
    }
    if demo_pages:
        policy = {"Content-Security-Policy": CSP_PAGE}
        for name in _DEMOS:
            file = f"demo_{name.replace('-', '_')}"
            found[f"/demo/{name}"] = asset(f"{file}.html", policy)
            found[f"/demo/{name}.js"] = asset(f"{file}.js")
    return [web.get(path, file.serve) for path, file in found.items()]
