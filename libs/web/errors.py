"""Refusals of HTTP itself, for every process that browsers and storefronts reach, with their statuses."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from aiohttp import web

from libs.errors import Kind, Refusal


class HttpRefusal(Refusal):
    """A refusal specific to HTTP, whose status has no gRPC kind."""

    kind = Kind.INVALID
    reason = "bad_request"
    http_status = 400
    message = "The request is not acceptable."
    headers: dict[str, str] = {}  # noqa: RUF012 - replaced per instance, never changed


class BodyTooLarge(HttpRefusal):
    reason = "body_too_large"
    http_status = 413
    message = "The body is too large for this call."


class BodySlow(HttpRefusal):
    reason = "body_slow"
    http_status = 408
    message = "The body did not arrive in time; repeat the request."


class BodyUnreadable(HttpRefusal):
    reason = "body_unreadable"
    message = "The body is incomplete, or does not match the headers."


class ContentEncodingUnsupported(HttpRefusal):
    reason = "content_encoding_unsupported"
    http_status = 415
    message = "This URL does not accept bodies with this Content-Encoding."

    def __init__(self, taken: Sequence[str] = ("identity",)) -> None:
        known = " or ".join(taken)
        super().__init__(f"This URL only accepts bodies with the Content-Encoding {known}.")
        self.headers = {"Accept-Encoding": ", ".join(taken)}


class HttpMalformed(HttpRefusal):
    reason = "http_malformed"
    message = "The request is not valid HTTP (RFC 9112)."


class HeadersTooLarge(HttpRefusal):
    reason = "headers_too_large"
    http_status = 431
    message = "The URL or the headers are too large."


class HeadersSlow(HttpRefusal):
    reason = "headers_slow"
    http_status = 408
    message = "The headers did not arrive in time; repeat the request."


class TooManyConnections(HttpRefusal):
    kind = Kind.UNAVAILABLE
    reason = "too_many_connections"
    http_status = 503
    message = "Too many connections are open; keep them alive and reuse them."


class ExpectationUnknown(HttpRefusal):
    reason = "expectation_failed"
    http_status = 417
    message = "The only supported Expect value is 100-continue."


class RouteNotFound(HttpRefusal):
    reason = "route_not_found"
    http_status = 404
    message = "There is nothing at this URL; /docs lists the calls."


class MethodNotAllowed(HttpRefusal):
    reason = "method_not_allowed"
    http_status = 405
    message = "This URL does not support this method."

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        super().__init__()
        self.headers = {"Allow": ", ".join(sorted(allowed))}


class TooManyRequests(HttpRefusal):
    kind = Kind.RATE
    reason = "too_many_requests"
    http_status = 429
    message = "Too many requests; wait for the seconds in Retry-After."

    def __init__(self, wait_seconds: float = 1.0, message: str = "") -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(max(1, round(wait_seconds + 0.5)))}


def http_status(refusal: Refusal) -> int:
    if isinstance(refusal, HttpRefusal):
        return refusal.http_status
    return refusal.kind.http_status


def refusal_of(error: web.HTTPException) -> Refusal:
    """Our refusal for one of aiohttp's own."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(error.allowed_methods)
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return BodyTooLarge()
    if isinstance(error, web.HTTPNotFound):
        return RouteNotFound()
    if isinstance(error, web.HTTPExpectationFailed):
        return ExpectationUnknown()
    refusal = HttpRefusal(error.reason)
    refusal.reason, refusal.http_status = HTTPStatus(error.status).name.lower(), error.status
    return refusal
