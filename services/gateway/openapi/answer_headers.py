"""The headers of answers in the OpenAPI document."""

from http import HTTPStatus
from typing import Any, Final

from services.gateway import fairness

Schema = dict[str, Any]

TRACE_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
_COMPONENTS: Final = {
    "Incasso-Trace-Id": "TraceId",
    fairness.POLICY_HEADER: "RateLimitPolicy",
    fairness.QUOTA_HEADER: "RateLimit",
}
_TOLD_TO_WAIT: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


def of_answer() -> Schema:
    return {header: _reference(name) for header, name in _COMPONENTS.items()}


def of_file() -> Schema:
    return {**of_answer(), "Content-Disposition": _reference("ContentDisposition")}


def of_refusal(status: int) -> Schema:
    if status not in _TOLD_TO_WAIT:
        return of_answer()
    return {**of_answer(), "Retry-After": _reference("RetryAfter")}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}


def components() -> Schema:
    limit = {"type": "string", "maxLength": 255, "pattern": '^["a-z0-9;=, -]*$'}
    return {
        "TraceId": {
            "description": "Trace of this request; also in every error and on every payment.",
            "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$", "maxLength": 32},
        },
        "RateLimitPolicy": {
            "description": "How many requests (`q`) may be made in how many seconds (`w`): by the"
            " `merchant`, by its `plan`, from the `address` of a browser; such as"
            ' `"merchant";q=2000;w=2`. After the IETF draft of RateLimit header fields; only where'
            " the key is known.",
            "schema": limit,
        },
        "RateLimit": {
            "description": "How many requests are left (`r`) of each policy, and in how many"
            ' seconds (`t`) all of them are there again; such as `"merchant";r=1999;t=1`.',
            "schema": limit,
        },
        "ContentDisposition": {
            "description": "Of a file: `attachment`, and its name (RFC 6266).",
            "schema": {"type": "string", "maxLength": 2048, "pattern": "^attachment;[ -~]*$"},
        },
        "RetryAfter": {
            "description": "Seconds to wait before the request is repeated.",
            "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 2**31 - 1},
        },
    }
