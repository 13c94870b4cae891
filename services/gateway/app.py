"""The gateway as one aiohttp application: every route with its handler."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

from aiohttp import web

from libs import client, deadlines
from libs.errors import Refusal
from libs.tasks import Tasks
from libs.upstreams import LOCAL, Call, Upstreams
from libs.web import bodies, connections, requests
from libs.web.client_addresses import Addresses
from libs.web.errors import RouteNotFound
from libs.web.limits import Limiter
from services.gateway import (
    delivery_reports,
    docs,
    pictures,
    problems,
    return_page,
    static_files,
    webhooks,
)
from services.gateway.authentication import Keys
from services.gateway.call_slots import CallSlots, Files
from services.gateway.checkout import METHOD_SERVICES, Checkout
from services.gateway.config import Config
from services.gateway.delivery_reports import DeliveryReports
from services.gateway.downloading import Downloader
from services.gateway.exporting import Exporter
from services.gateway.fairness import Fairness
from services.gateway.pay import routes as shopper_pages
from services.gateway.pay import url_correction
from services.gateway.return_page import ReturnPage
from services.gateway.routes import Route, all_routes
from services.gateway.rules.limits import Failures
from services.gateway.security import Security
from services.gateway.transcoder import Edge, Transcoder
from services.gateway.uploading import Uploader
from services.gateway.webhooks import PspWebhooks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def runner(
    config: Config,
    upstreams: Upstreams,
    tasks: Tasks,
    addresses: Addresses,
    routes: tuple[Route, ...] | None = None,
) -> connections.Runner:
    """Serves the application, `routes` or all. Mutating calls run as `tasks`, which the caller
    awaits.
    """
    security = Security(origins=config.cors_origins, secure=config.secure)

    def refused(refusal: Refusal) -> web.Response:
        answer = requests.refused(lambda: problems.response(refusal))
        security.protect(answer)
        return answer

    limits = connections.Limits.of(config)
    known = all_routes() if routes is None else routes
    app = build(config, upstreams, tasks, addresses, security, known=known)
    return connections.Runner(app, limits, refused, shutdown_timeout=config.grace_seconds)


def build(
    config: Config,
    upstreams: Upstreams,
    tasks: Tasks,
    addresses: Addresses,
    security: Security,
    *,
    known: tuple[Route, ...],
) -> web.Application:
    edge = Edge(
        keys=keys(upstreams),
        fairness=fairness(config),
        failures=Failures.at(rate=config.failures_per_second, burst=config.failures_burst),
        addresses=addresses,
        tasks=tasks,
        security=security,
    )
    app = web.Application(middlewares=[requests.middleware(_problem), url_correction.middleware()])
    app[bodies.SECONDS] = config.body_seconds
    app.on_response_prepare.append(security.on_prepare)
    local = local_calls(upstreams)
    for route in known:
        handler: Transcoder
        if route.uploads:
            handler = Uploader(route, upstreams.upload(route.rpc), edge)
        elif route.downloads:
            handler = Downloader(route, upstreams.download(route.rpc), edge)
        else:
            call = local.get(route.rpc.full_name) or upstreams.call(route.rpc)
            handler = (
                Exporter(route, call, edge, max_rows=config.export_rows)
                if route.lists
                else Transcoder(route, call, edge)
            )
        app.router.add_route(route.method, route.path, handler.__call__)
    add_preflights(app, known, security)
    add_webhooks(app, config, upstreams, edge)
    refresh = upstreams.method("payments", "RefreshPayment")
    page = ReturnPage(refresh, edge.failures.returns, addresses)
    app.router.add_get(return_page.PATH, page.arrive, allow_head=False)
    app.add_routes(pictures.routes(upstreams))
    shopper_pages.add(app, config, upstreams, edge)
    app.add_routes(docs.routes(config))
    app.add_routes(static_files.routes(demo_pages=config.demo_pages))
    return app


def _problem(_: web.Request, refusal: Refusal) -> web.Response:
    return problems.response(refusal)


def add_webhooks(app: web.Application, config: Config, upstreams: Upstreams, edge: Edge) -> None:
    """Incoming reports: from PSPs, SMS providers, mail servers."""
    handle = upstreams.method("payments", "HandlePspWebhook")
    psp = PspWebhooks(handle, edge.failures.webhooks, edge.addresses)
    reports = DeliveryReports(
        upstreams.method("notify", "HandleSmsStatus"),
        upstreams.method("notify", "HandleBounce"),
        failures=edge.failures,
        addresses=edge.addresses,
        public_url=config.public_url,
    )
    app.router.add_post(webhooks.PATH, psp.receive)
    app.router.add_post(delivery_reports.SMS_PATH, reports.sms)
    app.router.add_post(delivery_reports.BOUNCE_PATH, reports.bounce)


def fairness(config: Config) -> Fairness:
    rate, burst = config.merchant_requests_per_second, config.merchant_requests_burst
    return Fairness(
        by_merchant=Limiter(rate=rate, burst=burst),
        by_browser=Limiter(
            rate=config.browser_requests_per_second, burst=config.browser_requests_burst
        ),
        slots=CallSlots(reads=config.merchant_reads_at_once, calls=config.merchant_calls_at_once),
        files=Files(each=config.merchant_files_at_once, total=config.files_at_once),
        slow_down_seconds=config.slow_down_seconds,
    )


def keys(upstreams: Upstreams) -> Keys:
    authenticate = upstreams.method("merchants", "AuthenticateKey")
    return Keys(lambda request: client.call(authenticate, request, timeout_seconds=deadlines.BRIEF))


def local_calls(upstreams: Upstreams) -> dict[str, Call]:
    """RPCs that the gateway answers itself, by full name."""
    methods = {
        method: upstreams.method(upstream, "GetOffer")
        for method, upstream in METHOD_SERVICES.items()
    }
    (checkout,) = LOCAL
    return {f"{checkout}.GetCheckoutOptions": Checkout(methods).options}


def add_preflights(app: web.Application, known: tuple[Route, ...], security: Security) -> None:
    """OPTIONS of every URL that a browser may call."""
    methods: dict[str, list[str]] = defaultdict(list)
    for route in known:
        if route.rules.publishable:
            methods[route.path].append(route.method)
    for path, allowed in methods.items():
        app.router.add_route("OPTIONS", path, _preflight(security, tuple(allowed)))


def _preflight(security: Security, allowed: tuple[str, ...]) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        if "Access-Control-Request-Method" not in request.headers:
            raise RouteNotFound
        return security.preflight(request, allowed)

    return answer
