"""The refusals of each call in the OpenAPI document: from the comments, and those common to all
calls.
"""

from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from libs import validation
from libs.errors import Refusal
from services.gateway import problems
from services.gateway.openapi import answer_headers, comments
from services.gateway.routes import Route

Schema = dict[str, Any]

_ANY: Final = (
    (400, "invalid_argument"),
    (401, "api_key_missing"),
    (401, "api_key_unknown"),
    (401, "api_key_revoked"),
    (429, "too_many_requests"),
    (429, "too_many_at_once"),
    (429, "plan_rate_exceeded"),
    (500, "internal_error"),
    (503, "service_unavailable"),
)
_KEY: Final = (
    (400, "idempotency_key_invalid"),
    (409, "idempotency_key_in_use"),
    (422, "idempotency_key_reused"),
)
_BODY: Final = (
    (400, "json_malformed"),
    (400, "encoding_invalid"),
    (400, "body_unreadable"),
    (408, "body_slow"),
    (413, "body_too_large"),
    (415, "media_type_unsupported"),
    (415, "content_encoding_unsupported"),
)

_FILE: Final = (
    (400, "body_unreadable"),
    (408, "body_slow"),
    (413, "body_too_large"),
    (415, "content_encoding_unsupported"),
)


def responses(route: Route) -> dict[str, Schema]:
    """One response per status. Most calls share theirs, so each is in the document once."""
    return {
        str(status): {"$ref": f"#/components/responses/{_response_name(status, codes)}"}
        for status, codes in _by_status(route)
    }


def response_components(routes: Sequence[Route]) -> Schema:
    """Each with an example per code."""
    used = {one for route in routes for one in _by_status(route)}
    return {_response_name(status, codes): _error(status, codes) for status, codes in sorted(used)}


def _response_name(status: int, codes: Sequence[str]) -> str:
    return ".".join([str(status), *codes])


def _by_status(route: Route) -> list[tuple[int, tuple[str, ...]]]:
    codes: dict[int, dict[str, None]] = defaultdict(dict)
    for status, code in _codes(route):
        codes[status][code] = None
    return [(status, tuple(codes[status])) for status in sorted(codes)]


def _codes(route: Route) -> list[tuple[int, str]]:
    """(HTTP status, code) of every refusal of a call, its own first."""
    own = comments.errors(route.rpc.full_name)
    key = [(400, "idempotency_key_missing")] if route.rules.idempotency_key_required else []
    other_key = [] if route.reads_only else list(_KEY)
    scope = [(403, "scope_missing")] if route.rules.scope else []
    publishable = [] if route.rules.publishable else [(403, "publishable_key_not_allowed")]
    unknown = [] if route.reads_only else [(503, "outcome_unknown")]
    body = _BODY if route.body else _FILE if route.uploads else ()
    export = [(422, "export_too_large")] if route.lists else []
    return [*own, *export, *key, *other_key, *scope, *publishable, *_ANY, *body, *unknown]


def _error(status: int, codes: Sequence[str]) -> Schema:
    listed = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{HTTPStatus(status).phrase}: {listed}",
        "headers": answer_headers.of_refusal(status),
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    code: {"$ref": f"#/components/examples/{_example_name(status, code)}"}
                    for code in codes
                },
            }
        },
    }


def _example_name(status: int, code: str) -> str:
    return f"{code}.{status}"


def example_components(routes: Sequence[Route]) -> Schema:
    used = {(status, code) for route in routes for status, code in _codes(route)}
    return {
        _example_name(status, code): {"value": _problem(status, code)}
        for status, code in sorted(used, key=lambda one: (one[1], one[0]))
    }


def _messages() -> dict[str, str]:
    """Messages of the refusals known to the gateway, by code."""
    found: dict[str, str] = {}
    classes = list(Refusal.__subclasses__())
    for refusal in classes:
        classes += refusal.__subclasses__()
        ours = refusal.__module__.startswith(("libs.", "services.gateway."))
        if ours and "reason" in vars(refusal) and refusal.message:
            found[refusal.reason] = refusal.message
    return found


def _problem(status: int, code: str) -> Schema:
    found: Schema = {
        "type": problems.type_of(code),
        "title": problems.title_of(code),
        "status": status,
        "detail": _messages().get(code, f"{problems.title_of(code)}."),
        "code": code,
    }
    if code == "invalid_argument":
        found["errors"] = [{"pointer": "/amount/currency", "detail": "is required"}]
    return {**found, "trace_id": answer_headers.TRACE_ID}


def schema() -> Schema:
    text = {"type": "string", "maxLength": 4096, "pattern": "^[^\\x00]*$"}
    return {
        "type": "object",
        "description": "Why a call was refused (RFC 9457).",
        "properties": {
            "type": {**text, "description": "Name of the problem, `urn:incasso:problem:<code>`."},
            "title": {**text, "description": "The code in words."},
            "status": {
                "type": "integer",
                "format": "int32",
                "minimum": 400,
                "maximum": 599,
                "description": "HTTP status.",
            },
            "detail": {**text, "description": "What is wrong and what to do."},
            "code": {**text, "description": "The reason; stable, for programs."},
            "errors": {
                "type": "array",
                "description": "The fields that are wrong.",
                "maxItems": validation.MAX_WRONG,
                "items": {
                    "type": "object",
                    "properties": {
                        "pointer": {**text, "description": "JSON pointer to the field."},
                        "detail": {**text, "description": "What is wrong with it."},
                    },
                    "required": ["pointer", "detail"],
                },
            },
            "trace_id": {**text, "description": "Quote it when you ask for help."},
            "payment_id": {**text, "description": "The payment that the order already has."},
            "payment_state": {**text, "description": "The state of that payment."},
            "refused_line": {**text, "description": "Line of the file that is wrong, from 1."},
            "refused_reason": {**text, "description": "What is wrong with the file."},
        },
        "required": ["type", "title", "status", "detail", "code", "trace_id"],
    }
