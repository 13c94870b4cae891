"""Traces: recorded ones have a span per process boundary, others none, and all are propagated."""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

from libs import telemetry
from libs.telemetry import SpanKind

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
UNRECORDED = f"00-{TRACE}-00f067aa0ba902b7-00"
RANDOM = f"00-{TRACE}-00f067aa0ba902b7-02"  # not recorded, with the flag for random ids
RECORDED = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def _a_sampler_of_its_own_mind() -> Iterator[None]:
    telemetry.follow_parents(ALWAYS_ON)
    yield
    telemetry.follow_parents(ParentBased(ALWAYS_ON))


@pytest.mark.parametrize("parent", [UNRECORDED, RANDOM])
def test_an_unrecorded_trace_is_propagated_without_spans(parent: str) -> None:
    with telemetry.span("server", kind=SpanKind.SERVER, parent=parent) as outer:
        with telemetry.span("sql", attributes={"db.query.text": "SELECT 1"}) as inner:
            assert telemetry.traceparent() == parent
            assert telemetry.trace_id() == TRACE
        assert inner is outer
        assert not telemetry.recording()
        outer.set_attribute("incasso.reason", "none")
    assert telemetry.traceparent() == ""


def test_an_unsampled_trace_is_propagated_unchanged_by_the_next_process() -> None:
    unsampled = TracerProvider(sampler=ParentBased(ALWAYS_OFF)).get_tracer("another process")
    with trace.use_span(unsampled.start_span("request")):
        sent = telemetry.traceparent()
    with telemetry.span("server", parent=sent):
        assert telemetry.traceparent() == sent


def test_unknown_trace_flags_are_not_propagated() -> None:
    with telemetry.span("server", parent=UNRECORDED.removesuffix("00") + "fe"):
        assert telemetry.traceparent() == RANDOM


def test_an_exception_passes_through_an_unrecorded_trace() -> None:
    with (
        pytest.raises(ValueError, match="as it was"),
        telemetry.span("server", parent=UNRECORDED),
        telemetry.span("inner"),
    ):
        raise ValueError("as it was")
    assert telemetry.trace_id() == ""


def test_a_recorded_trace_inside_an_unrecorded_one_is_kept_apart() -> None:
    with telemetry.span("server", parent=UNRECORDED):
        with telemetry.span("process", parent=RECORDED):
            assert telemetry.traceparent().endswith("-01")
        assert telemetry.traceparent() == UNRECORDED


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "garbage",
        UNRECORDED.upper(),
        f"00-{'0' * 32}-00f067aa0ba902b7-00",
        f"00-{TRACE}-{'0' * 16}-00",
    ],
)
def test_an_invalid_traceparent_starts_a_new_trace(parent: str) -> None:
    with telemetry.span("server", parent=parent):
        assert telemetry.trace_id() != TRACE


@pytest.mark.usefixtures("_a_sampler_of_its_own_mind")
def test_a_sampler_that_ignores_parents_is_asked_in_every_trace() -> None:
    with telemetry.span("server", parent=UNRECORDED):
        assert telemetry.traceparent() != UNRECORDED
