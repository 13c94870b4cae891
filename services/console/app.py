"""The console as one aiohttp application: every page with its handler."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from libs.errors import Refusal
from libs.seal import Seal, keys_of
from libs.tasks import Tasks
from libs.upstreams import Upstreams
from libs.web import bodies, connections, headers, requests
from libs.web.client_addresses import Addresses
from libs.web.errors import http_status
from libs.web.limits import Limiter
from libs.web.static_files import of_file, stylesheet
from services.console.calls import Edge
from services.console.config import Config
from services.console.cookies import Cookies
from services.console.entrance import SIGN_IN, Entrance
from services.console.kept_forms import KeptForms
from services.console.page import Lists, Page
from services.console.proofs import Proofs
from services.console.rendering import HEADERS, Renderer
from services.console.routes import PAGES
from services.console.signing_in import handlers, invitations
from services.console.signing_in.arrival import Arrival
from services.console.signing_in.handlers import Language, SignIn
from services.console.signing_in.invitations import Invitations
from services.console.signing_in.oidc import OpenId

_STATIC: Final = Path(__file__).parent / "static"


def runner(
    config: Config,
    upstreams: Upstreams,
    tasks: Tasks,
    addresses: Addresses,
    pages: tuple[Page, ...] = PAGES,
) -> connections.Runner:
    """Serves the application. Changing calls run as `tasks`, which the caller awaits."""
    cookies = Cookies(config.secure)
    seal = Seal(keys_of(config.seal_keys))
    renderer = Renderer(cookies, openid=bool(config.oidc_issuer), local=config.local_sign_in)
    entrance = Entrance(
        edge=Edge(upstreams, tasks),
        cookies=cookies,
        proofs=Proofs(seal, config.public_url),
        kept=KeptForms(seal),
        addresses=addresses,
        renderer=renderer,
        lists=Lists(pages),
    )
    app = build(config, entrance, arrival(config, entrance, seal), pages)
    common = headers.common(secure=config.secure)

    def refused(refusal: Refusal) -> web.Response:
        return requests.refused(lambda: _bare(refusal, common))

    limits = connections.Limits.of(config)
    return connections.Runner(app, limits, refused, shutdown_timeout=config.grace_seconds)


def build(
    config: Config, entrance: Entrance, arrival: Arrival, pages: tuple[Page, ...]
) -> web.Application:
    always = {**HEADERS, **headers.common(secure=config.secure)}

    def answer(request: web.Request, refusal: Refusal) -> web.Response:
        return entrance.renderer.refused(request, refusal)

    async def protect(_: web.Request, response: web.StreamResponse) -> None:
        headers.protect(response, always)

    app = web.Application(middlewares=[requests.middleware(answer)])
    app[bodies.SECONDS] = config.body_seconds
    app.on_response_prepare.append(protect)
    for page in pages:
        app.router.add_route(page.method, page.path, entrance.of(page).__call__)
    add_arrival(app, arrival)
    app.router.add_get("/assets/console.css", stylesheet(_STATIC / "console.css").serve)
    app.router.add_get("/assets/console.js", of_file(_STATIC / "console.js").serve)
    return app


def arrival(config: Config, entrance: Entrance, seal: Seal) -> Arrival:
    openid = None
    if config.oidc_issuer:
        openid = OpenId(
            config.oidc_issuer,
            config.oidc_client_id,
            config.oidc_client_secret,
            f"{config.public_url}{handlers.RETURN}",
        )
    tries = Limiter(rate=config.sign_ins_per_minute / 60, burst=config.sign_ins_burst)
    return Arrival(
        entrance=entrance,
        seal=seal,
        openid=openid,
        local=config.local_sign_in,
        hint=config.local_hint,
        tries=tries,
    )


def add_arrival(app: web.Application, arrival: Arrival) -> None:
    """The pages that need no sign-in."""
    sign_in, joining = SignIn(arrival), Invitations(arrival)
    app.router.add_get(SIGN_IN, sign_in.show)
    app.router.add_get(handlers.PROVIDER, sign_in.at_provider, allow_head=False)
    app.router.add_get(handlers.RETURN, sign_in.come_back, allow_head=False)
    if arrival.local:
        app.router.add_post(SIGN_IN, sign_in.by_password)
    app.router.add_get(invitations.PATH, joining.show)
    app.router.add_post(invitations.PATH, joining.join)
    app.router.add_post("/language", Language(arrival).choose)


def _bare(refusal: Refusal, common: Mapping[str, str]) -> web.Response:
    """For errors below HTTP, which get no page: the reason as text."""
    response = web.Response(status=http_status(refusal), text=f"{refusal.message}\n")
    headers.protect(response, common)
    return response
