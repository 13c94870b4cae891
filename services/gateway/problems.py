"""Errors as RFC 9457 problem documents, each with its code and the trace id."""

from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from libs import json_out, telemetry
from libs.errors import FieldViolation, Kind, OutcomeUnknown, Refusal, ServiceUnavailable
from libs.web.errors import (
    http_status,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = "1"


def type_of(code: str) -> str:
    """The problem's type: a name that is the same wherever Incasso runs."""
    return f"urn:incasso:problem:{code}"


def title_of(code: str) -> str:
    return code.replace("_", " ").capitalize()


def document(refusal: Refusal, *, trace_id: str, body_field: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {
        **refusal.facts,
        "type": type_of(refusal.reason),
        "title": title_of(refusal.reason),
        "status": http_status(refusal),
        "detail": refusal.message,
        "code": refusal.reason,
    }
    if refusal.violations:
        found["errors"] = [_error(violation, body_field) for violation in refusal.violations]
    found["trace_id"] = trace_id
    return found


def _error(violation: FieldViolation, body_field: str) -> dict[str, str]:
    """A JSON pointer into the body; path and query parameters look like top-level fields."""
    path = violation.field
    if body_field and (path == body_field or path.startswith(f"{body_field}.")):
        path = path[len(body_field) :].removeprefix(".")
    escaped = path.replace("~", "~0").replace("/", "~1")
    pointer = "/" + escaped.replace(".", "/") if path else ""
    return {"pointer": pointer, "detail": violation.description}


def response(refusal: Refusal, *, body_field: str = "") -> web.Response:
    headers = {"Content-Type": MEDIA_TYPE, **getattr(refusal, "headers", {})}
    if refusal.kind is Kind.UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER_SECONDS
    if refusal.kind is Kind.RATE:
        headers.setdefault("Retry-After", RETRY_AFTER_SECONDS)
    status = http_status(refusal)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    found = document(refusal, trace_id=telemetry.trace_id(), body_field=body_field)
    return web.Response(status=status, body=json_out.dump(found), headers=headers)


def of_unknown_outcome(*, reads_only: bool, error: OutcomeUnknown) -> Refusal:
    """A call that only reads has no outcome: it is just not available."""
    return ServiceUnavailable() if reads_only else error
