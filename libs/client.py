"""Calls to other services: a channel that survives rollouts, and one way of calling.

Every call has a deadline, carries the merchant, the trace and a derived idempotency key, and
raises a Refusal: the other service's own no, or OutcomeUnknown when there was no answer.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from libs import context, descriptors, telemetry
from libs.status import refusal_of

OPTIONS: Final = (
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
)
_RETRY: Final = {
    "maxAttempts": 4,
    "initialBackoff": "0.05s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}


def is_safe(name: str) -> bool:
    """Whether an RPC only reads, so that an unanswered call may be repeated at once."""
    return name.startswith(("Get", "List", "Authenticate"))


def _service_config(services: Sequence[str]) -> str:
    safe = [
        {"service": service, "method": found.name}
        for service in services
        for found in descriptors.service(service).methods
        if is_safe(found.name)
    ]
    return json.dumps(
        {
            "loadBalancingConfig": [{"round_robin": {}}],
            "methodConfig": [{"name": safe, "retryPolicy": _RETRY}],
        }
    )


def channel(target: str, *services: str) -> grpc.aio.Channel:
    """A channel to `target` for the named gRPC services (full names). Close it at the end."""
    config = ("grpc.service_config", _service_config(services))
    return grpc.aio.insecure_channel(target, options=(*OPTIONS, config))


async def call(
    method: Any, request: Message, *, timeout_seconds: float, idempotency_key: str = ""
) -> Any:
    """Call a stub's method for the current call's merchant.

    `idempotency_key` is derived from the id of the caller's own row, never at random.
    Raises Refusal; OutcomeUnknown when no answer came.
    """
    name = request.DESCRIPTOR.name.removesuffix("Request")
    with telemetry.span(f"call {name}", kind=telemetry.SpanKind.CLIENT):
        metadata = (
            *context.current().metadata(idempotency_key=idempotency_key),
            (telemetry.TRACEPARENT, telemetry.traceparent()),
        )
        try:
            return await method(request, timeout=timeout_seconds, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error) from error
