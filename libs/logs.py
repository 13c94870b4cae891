"""Structured logs: one JSON object per line with trace id, and nothing that must not be logged.

Fields are allow-listed by name; of any other field only the name is kept, so that no
request is logged by accident. Digit sequences that look like card numbers are masked everywhere.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

from libs import context, telemetry

ALLOWED: Final = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "service",
        "trace_id",
        "merchant_id",
        "actor",
        "exception",
        "method",
        "reason",
        "code",
        "state",
        "kind",
        "seconds",
        "attempts",
        "count",
        "subject",
        "event_id",
        "payment_id",
        "attempt_id",
        "refund_id",
        "dispute_id",
        "customer_id",
        "instrument_id",
        "session_id",
        "payment_link_id",
        "plan_id",
        "link_payment_id",
        "bank_transfer_id",
        "cart_id",
        "message_id",
        "webhook_endpoint_id",
        "webhook_delivery_id",
        "channel",
        "provider",
        "psp",
        "psp_account",
        "psp_account_id",
        "psp_event_id",
        "api_key_id",
        "audit_entry_id",
        "report_run_id",
        "status",
        "route",
        "path",
        "port",
        "address",
        "version",
        "signal",
        "name",
        "error",
        "table",
        "rows",
        "outcome",
        "delay_seconds",
        "replica",
        "consumer",
        "stream",
    ]
)
_CARD_LIKE = re.compile(r"\b\d(?:[ -]?\d){12,18}\b")
_SECRET_LIKE = re.compile(r"\b(?:sk|pk|whsec|rk)_[A-Za-z0-9_]{6,}")
# Anchored to word starts: tried at each letter, a long word would take quadratic time.
_EMAIL_LIKE = re.compile(r"(?<![^\s@<>\"'])[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")


def redact(text: str) -> str:
    """Masks card-like digit sequences, keys and e-mail addresses in a text."""
    text = _CARD_LIKE.sub("[card]", text)
    text = _SECRET_LIKE.sub("[secret]", text)
    return _EMAIL_LIKE.sub("[email]", text)


def _add_context(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if trace_id := telemetry.trace_id():
        event.setdefault("trace_id", trace_id)
    if merchant_id := context.current().merchant_id:
        event.setdefault("merchant_id", merchant_id)
    return event


def _filter(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = [name for name in event if name not in ALLOWED]
    for name in dropped:
        del event[name]
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = redact(value)
    if dropped:
        event["error"] = f"log fields not allowed: {', '.join(sorted(dropped))}"
    return event


def set_up(service: str, *, level: int = logging.INFO, to: TextIO | None = None) -> None:
    """Configures structlog and the standard library's loggers to the same JSON, by default on
    stdout.
    """
    stream = to or sys.stdout
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_context,
        structlog.processors.format_exc_info,
        lambda _, __, event: {**event, "service": service},
    ]
    last: list[Any] = [_filter, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                # Before the filter, which would drop what this one looks for.
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *last,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


log = structlog.get_logger()
