"""The sandbox as one aiohttp application: routes, middleware, background loops."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
from aiohttp import web
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from services.sandbox import (
    api,
    audit,
    browser_field,
    challenges,
    console_pages,
    control,
    database,
    errors,
    flows,
    pages,
    rendering,
    wire,
)
from services.sandbox.bank import api as bank_api
from services.sandbox.bank import pages as bank_pages
from services.sandbox.bank import statement_api
from services.sandbox.books import accounts, charges
from services.sandbox.config import Config
from services.sandbox.courier import api as courier_api
from services.sandbox.deps import DEPS, Deps
from services.sandbox.faults import Faults
from services.sandbox.inbox import api as inbox_api
from services.sandbox.inbox import pages as inbox_pages
from services.sandbox.inbox import reports, twilio
from services.sandbox.inbox.smtp import MailServer
from services.sandbox.metrics import Metrics
from services.sandbox.resting import AFTER_ERROR_SECONDS, rest_until
from services.sandbox.traces import Traces
from services.sandbox.webhooks import Sender

MOST_BODY_BYTES = 4 * 1024 * 1024  # an OTLP batch; the PSP API's bodies are far smaller

routes = web.RouteTableDef()
log = structlog.get_logger("sandbox")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except errors.SandboxError as error:
        return wire.refusal_answer(error)


@routes.get("/healthz/live")
async def live(request: web.Request) -> web.Response:
    return wire.json_answer({"status": "ok"})


@routes.get("/healthz/ready")
async def ready(request: web.Request) -> web.Response:
    deps = wire.deps_of(request)
    deps.conn.execute("SELECT 1").fetchone()
    stopped = deps.stopped
    return wire.json_answer({"status": stopped or "ok"}, status=503 if stopped else 200)


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    return web.Response(
        body=wire.deps_of(request).metrics.exposition(), content_type="text/plain", charset="utf-8"
    )


@routes.get("/assets/{name}")
async def assets(request: web.Request) -> web.Response:
    types = {"sandbox.css": "text/css", "field_page.js": "text/javascript"}
    name = request.match_info["name"]
    if name not in types:
        raise errors.NotFoundError("no such asset")
    return rendering.asset(name, types[name])


@routes.post("/answers/{status:[2-5][0-9]{2}}")
async def answer(request: web.Request) -> web.Response:
    """A shop that accepts webhooks (204), or does not."""
    await request.read()
    return web.Response(status=int(request.match_info["status"]))


@routes.post("/v1/traces")
async def receive_traces(request: web.Request) -> web.Response:
    """OTLP over HTTP in protobuf; aiohttp has already decompressed gzip."""
    if request.content_type != "application/x-protobuf":
        return web.Response(status=415, text="send application/x-protobuf")
    try:
        batch = ExportTraceServiceRequest.FromString(await request.read())
    except DecodeError:
        raise errors.MalformedBodyError("the body is not an OTLP trace request") from None
    wire.deps_of(request).traces.ingest(batch)
    return web.Response(
        body=ExportTraceServiceResponse().SerializeToString(),
        content_type="application/x-protobuf",
    )


async def _finish_due_charges(deps: Deps) -> None:
    while True:
        deps.pending.clear()
        try:
            flows.finish_due_charges(deps)
            due_at = charges.next_due_at(deps.conn)
        except sqlite3.Error:
            log.exception("due_charges_failed")
            due_at = time.time() + AFTER_ERROR_SECONDS
        await rest_until(due_at, deps.pending)


def build_deps(config: Config) -> Deps:
    conn = database.connect(config.sandbox_data)
    known, faults, metrics = accounts.everything(conn), Faults(), Metrics()
    sender = Sender(conn, known, faults, config, metrics)
    return Deps(config, conn, faults, sender, Traces(), metrics, known)


async def _run_loops(app: web.Application) -> AsyncIterator[None]:
    deps = app[DEPS]
    await deps.sender.start()
    mail = MailServer(deps)
    if deps.config.sandbox_smtp_port is not None:
        deps.smtp_port = await mail.start(deps.config.listen_host, deps.config.sandbox_smtp_port)
    deps.loops += [
        asyncio.create_task(_finish_due_charges(deps), name="due charges"),
        asyncio.create_task(reports.run(deps), name="reports of messages"),
    ]
    yield
    await mail.stop()
    for task in deps.loops:
        task.cancel()
    await asyncio.gather(*deps.loops, return_exceptions=True)
    await deps.sender.stop()
    deps.conn.close()


def build_app(config: Config) -> web.Application:
    """Loops start and end with the application; the file is closed with it."""
    app = web.Application(middlewares=[refusals], client_max_size=MOST_BODY_BYTES)
    app[DEPS] = build_deps(config)
    for table in (
        api.routes,
        audit.routes,
        bank_api.routes,
        bank_pages.routes,
        statement_api.routes,
        browser_field.routes,
        challenges.routes,
        console_pages.routes,
        control.routes,
        courier_api.routes,
        inbox_api.routes,
        inbox_pages.routes,
        pages.routes,
        twilio.routes,
        routes,
    ):
        app.add_routes(table)
    app.cleanup_ctx.append(_run_loops)
    return app
