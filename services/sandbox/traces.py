"""Keeps the latest traces sent by OTLP exporters, in memory and bounded.

Spans stay protobuf messages until their trace is viewed; most never are.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from uuid_utils import uuid4

MOST_TRACES = 2_000
MOST_SPANS_PER_TRACE = 2_000
TRACEPARENT_LENGTH = 55
SAMPLED = 1


@dataclass(slots=True)
class Span:
    span_id: str
    parent_id: str | None
    name: str
    service: str
    start_unix_nano: int
    duration_ms: float
    status: str
    attributes: dict[str, Any] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Received:
    service: str
    span: ProtoSpan


@dataclass(frozen=True, slots=True)
class Parent:
    trace_id: str
    span_id: str


def parse_traceparent(header: str | None) -> Parent | None:
    """The caller's span, if the header is valid and sampled."""
    if header is None or len(header) != TRACEPARENT_LENGTH or header != header.lower():
        return None
    parts = header.split("-")
    if [len(part) for part in parts] != [2, 32, 16, 2] or parts[0] == "ff":
        return None
    try:
        numbers = [int(part, 16) for part in parts]
    except ValueError:
        return None
    if not numbers[1] or not numbers[2] or not numbers[3] & SAMPLED:
        return None
    return Parent(parts[1], parts[2])


class Traces:
    def __init__(self) -> None:
        self._traces: OrderedDict[str, list[Span | Received]] = OrderedDict()

    def ingest(self, request: ExportTraceServiceRequest) -> None:
        for resource_spans in request.resource_spans:
            service = _service_name(resource_spans.resource.attributes)
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    self._add(span.trace_id.hex(), Received(service, span))

    def _add(self, trace_id: str, span: Span | Received) -> None:
        spans = self._traces.get(trace_id)
        if spans is None:
            spans = self._traces[trace_id] = []
            if len(self._traces) > MOST_TRACES:
                self._traces.popitem(last=False)
        if len(spans) < MOST_SPANS_PER_TRACE:
            spans.append(span)

    @contextmanager
    def server_span(
        self, header: str | None, name: str, attributes: dict[str, Any]
    ) -> Iterator[None]:
        """The PSP's side of a traced call, without an exporter."""
        parent = parse_traceparent(header)
        if parent is None:
            yield
            return
        started, status = time.time_ns(), "ok"
        try:
            yield
        except BaseException:
            status = "error"
            raise
        finally:
            self._add(
                parent.trace_id,
                Span(
                    span_id=uuid4().hex[:16],
                    parent_id=parent.span_id,
                    name=name,
                    service="sandbox",
                    start_unix_nano=started,
                    duration_ms=(time.time_ns() - started) / 1e6,
                    status=status,
                    attributes=attributes,
                ),
            )

    def spans(self, trace_id: str) -> list[Span] | None:
        """Ordered by start; None if the trace is not known (any more)."""
        stored = self._traces.get(trace_id)
        if stored is None:
            return None
        spans = [_decoded(span) if isinstance(span, Received) else span for span in stored]
        return sorted(spans, key=lambda span: span.start_unix_nano)

    def latest(self, limit: int) -> list[tuple[str, list[Span]]]:
        chosen = list(reversed(self._traces))[:limit]
        return [(trace_id, self.spans(trace_id) or []) for trace_id in chosen]


def _service_name(attributes: Iterable[KeyValue]) -> str:
    for attribute in attributes:
        if attribute.key == "service.name":
            return attribute.value.string_value
    return "unknown"


def _decoded(received: Received) -> Span:
    span = received.span
    return Span(
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        service=received.service,
        start_unix_nano=span.start_time_unix_nano,
        duration_ms=max(span.end_time_unix_nano - span.start_time_unix_nano, 0) / 1e6,
        status="error" if span.status.code == Status.STATUS_CODE_ERROR else "ok",
        attributes={item.key: _plain(item.value) for item in span.attributes},
        links=[
            {"trace_id": link.trace_id.hex(), "span_id": link.span_id.hex()} for link in span.links
        ],
    )


def _plain(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: _plain(item.value) for item in value.kvlist_value.values}
        case "bytes_value":
            return value.bytes_value.hex()
        case name:
            return getattr(value, name)
