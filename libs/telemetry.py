"""Traces: one tracer per process, W3C propagation, OTLP export set by the standard variables.

Spans are made where the chassis crosses a boundary (RPC, SQL, HTTP call, event), not by automatic
instrumentation, which costs a large part of the throughput. An unrecorded trace has no spans at
all: it passes on the context that came with the request.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["SpanKind", "link_to", "set_up", "span", "trace_id", "traceparent"]

TRACEPARENT: Final = "traceparent"
_propagator = TraceContextTextMapPropagator()
# The last bit of the flags means recorded; the one before it means that the trace id is random.
_UNRECORDED = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f][02468ace])")
_tracer = trace.get_tracer("incasso")


class _Process:
    """Whether a trace that its sender does not record is not recorded here either."""

    follows_parents = False


def set_up(service: str) -> TracerProvider:
    """Exports to OTEL_EXPORTER_OTLP_ENDPOINT if it is set; samples by OTEL_TRACES_SAMPLER."""
    os.environ.setdefault("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    os.environ.setdefault("OTEL_TRACES_SAMPLER_ARG", "1.0")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    follow_parents(provider.sampler)
    return provider


def follow_parents(sampler: Sampler) -> None:
    """Skips spans of unrecorded traces, if the sampler would skip them too."""
    _Process.follows_parents = isinstance(sampler, ParentBased)


def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: str | None = None,
    links: tuple[str, ...] = (),
    attributes: Mapping[str, Any] | None = None,
) -> AbstractContextManager[Span]:
    """A span around a block; an exception marks it as an error and propagates.

    `parent` is a traceparent from outside (None: the current span, "": a new trace); `links` are
    traceparents that this span refers to.
    """
    if _Process.follows_parents:
        if parent is None:
            current = trace.get_current_span()
            if not current.is_recording() and current.get_span_context().is_valid:
                return nullcontext(current)
        elif unrecorded := _UNRECORDED.fullmatch(parent):
            return _within(*unrecorded.groups())
    return _made(name, kind, parent, links, attributes)


@contextmanager
def _within(trace_id: str, span_id: str, trace_flags: str) -> Iterator[Span]:
    """The sender's context of an unrecorded trace."""
    flags = TraceFlags(int(trace_flags, 16) & TraceFlags.RANDOM_TRACE_ID)
    place = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
    sender = NonRecordingSpan(place)
    token = otel_context.attach(trace.set_span_in_context(sender))
    try:
        yield sender
    finally:
        otel_context.detach(token)


@contextmanager
def _made(
    name: str,
    kind: SpanKind,
    parent: str | None,
    links: tuple[str, ...],
    attributes: Mapping[str, Any] | None,
) -> Iterator[Span]:
    context = None if parent is None else _context(parent)
    made = _tracer.start_span(
        name,
        context,
        kind=kind,
        attributes=attributes,
        links=[link for link in map(link_to, links) if link],
    )
    token = otel_context.attach(trace.set_span_in_context(made))
    try:
        yield made
    except Exception as error:
        made.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        otel_context.detach(token)
        made.end()


def recording() -> bool:
    """Whether the current span is recorded; if not, skip the cost of child spans."""
    return trace.get_current_span().is_recording()


def trace_id() -> str:
    """Trace id of the current span as 32 hex digits; empty outside any span."""
    found = trace.get_current_span().get_span_context()
    return f"{found.trace_id:032x}" if found.is_valid else ""


def traceparent() -> str:
    """W3C traceparent of the current span, to store or send; empty outside any span."""
    found = trace.get_current_span().get_span_context()
    if not found.is_valid:
        return ""
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"


def link_to(parent: str) -> trace.Link | None:
    """Link to a stored traceparent; None if it is empty or invalid."""
    found = trace.get_current_span(_context(parent)).get_span_context()
    return trace.Link(found) if found.is_valid else None


def _context(parent: str) -> otel_context.Context:
    return _propagator.extract({TRACEPARENT: parent}, context=otel_context.Context())
