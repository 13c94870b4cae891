"""Applied to every request of a process that browsers reach: a span, a trace id, errors as answers, metrics.

`refused` does the same for whatever never becomes a request of the application.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from opentelemetry.trace import Status, StatusCode
from prometheus_client import Histogram

from libs import context, telemetry
from libs.errors import InternalError, Refusal
from libs.logs import log
from libs.web.errors import refusal_of

TRACE_HEADER: Final = "Incasso-Trace-Id"
HTTP_SECONDS = Histogram(
    "incasso_http_seconds",
    "Duration of HTTP requests by method, route and status",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_METHODS: Final = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnswerTo = Callable[[web.Request, Refusal], web.StreamResponse]


def middleware(answer_to: AnswerTo) -> Any:
    """Handles every request. `answer_to` makes this process's response to a refusal."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unmatched"
        method = request.method if request.method in _METHODS else "OTHER"
        # Requests of one connection share a task, and with it the context.
        context.set_current(context.Call())
        with telemetry.span(
            f"HTTP {method} {route}",
            kind=telemetry.SpanKind.SERVER,
            parent=request.headers.get(telemetry.TRACEPARENT, ""),
            attributes={"http.request.method": method, "http.route": route},
        ) as span:
            response = await _answer(request, handler, answer_to)
            response.headers[TRACE_HEADER] = telemetry.trace_id()
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= 500:  # noqa: PLR2004 - HTTP's own border
                span.set_status(Status(StatusCode.ERROR))
        seconds = time.perf_counter() - started
        HTTP_SECONDS.labels(method, route, str(response.status)).observe(seconds)
        return response

    return answer


def refused(answer: Callable[[], web.Response]) -> web.Response:
    """The answer to bytes that are not a request, or to one connection too many."""
    with telemetry.span("HTTP refused", kind=telemetry.SpanKind.SERVER, parent=""):
        response = answer()
        response.headers[TRACE_HEADER] = telemetry.trace_id()
    HTTP_SECONDS.labels("OTHER", "unmatched", str(response.status)).observe(0.0)
    return response


async def _answer(
    request: web.Request, handler: Handler, answer_to: AnswerTo
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return answer_to(request, refusal)
    except web.HTTPException as error:
        return answer_to(request, refusal_of(error))
    except Exception as error:  # noqa: BLE001 - the caller learns that it is our fault
        log.error("request failed", method=request.method, exc_info=error)
        return answer_to(request, InternalError())
