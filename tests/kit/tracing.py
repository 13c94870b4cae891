"""The tracer of a test process, which records traces only when a test asks for it.

A recorded span costs more than the work that most tests do within it, so other traces have an id and no spans, like
most traces in production.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
)

from libs import telemetry


class Switched(Sampler):
    on = False

    def should_sample(self, *args: Any, **named: Any) -> SamplingResult:
        return (ALWAYS_ON if self.on else ALWAYS_OFF).should_sample(*args, **named)

    def get_description(self) -> str:
        return "on" if self.on else "off"


class Tracer:
    """One per process: OpenTelemetry accepts only one tracer provider."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._switch = Switched()
        self._sampler = ParentBased(self._switch)
        provider = TracerProvider(sampler=self._sampler)
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(provider)
        telemetry.follow_parents(self._sampler)

    @contextmanager
    def recording(self) -> Iterator[InMemorySpanExporter]:
        """Records the traces that begin meanwhile; yields their finished spans."""
        self._spans.clear()
        self._switch.on = True
        try:
            yield self._spans
        finally:
            self._switch.on = False
            self._spans.clear()
