import gzip

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from services.sandbox.pages import waterfall
from services.sandbox.traces import MOST_TRACES, Span, Traces, parse_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
OTLP = {"Content-Type": "application/x-protobuf"}


def batch(trace: str = TRACE, *, service: str = "payments") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = service
    spans = resource_spans.scope_spans.add().spans
    root = spans.add(
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex(PARENT),
        name="ChargeInstrument",
        start_time_unix_nano=1_000_000_000,
        end_time_unix_nano=1_012_500_000,
    )
    root.attributes.add(key="rpc.system").value.string_value = "grpc"
    root.attributes.add(key="retry").value.int_value = 0
    root.attributes.add(key="list").value.array_value.values.add().bool_value = True
    root.links.add(trace_id=bytes.fromhex("a" * 32), span_id=bytes.fromhex("b" * 16))
    child = spans.add(
        trace_id=bytes.fromhex(trace),
        span_id=bytes.fromhex("1" * 16),
        parent_span_id=bytes.fromhex(PARENT),
        name="INSERT <attempt>",
        start_time_unix_nano=1_001_000_000,
        end_time_unix_nano=1_002_000_000,
        kind=ProtoSpan.SPAN_KIND_CLIENT,
    )
    child.status.code = 2
    return request


async def post(sandbox, raw: bytes, **headers: str):
    return await sandbox.session.post(f"{sandbox.url}/v1/traces", data=raw, headers=OTLP | headers)


@pytest.mark.parametrize("packed", [False, True])
async def test_exported_spans_can_be_read_as_json(sandbox, packed):
    raw = batch().SerializeToString()
    if packed:
        answer = await post(sandbox, gzip.compress(raw), **{"Content-Encoding": "gzip"})
    else:
        answer = await post(sandbox, raw)
    assert (answer.status, answer.content_type) == (200, "application/x-protobuf")
    spans = (await sandbox.call("GET", f"/traces/{TRACE}.json")).body["spans"]
    assert spans[0] == {
        "span_id": PARENT,
        "parent_id": None,
        "name": "ChargeInstrument",
        "service": "payments",
        "start_unix_nano": 1_000_000_000,
        "duration_ms": 12.5,
        "status": "ok",
        "attributes": {"rpc.system": "grpc", "retry": 0, "list": [True]},
        "links": [{"trace_id": "a" * 32, "span_id": "b" * 16}],
    }
    assert (spans[1]["parent_id"], spans[1]["status"]) == (PARENT, "error")


async def test_a_trace_is_shown_as_a_waterfall(sandbox):
    await post(sandbox, batch().SerializeToString())
    page = await sandbox.call("GET", f"/traces/{TRACE}")
    assert "ChargeInstrument" in page.body
    assert "INSERT &lt;attempt&gt;" in page.body
    assert TRACE in (await sandbox.call("GET", "/traces")).body


async def test_a_traced_charge_adds_the_psps_own_span(sandbox):
    headers = {
        "Authorization": "Bearer sandbox_sk_sandbox-a",
        "Idempotency-Key": "att_1",
        "traceparent": f"00-{TRACE}-{PARENT}-01",
    }
    body = {"amount_minor": 1, "currency": "EUR", "token": "tok_visa"}
    await sandbox.call("POST", "/psp/sandbox-a/charges", body, headers=headers)
    (span,) = (await sandbox.call("GET", f"/traces/{TRACE}.json")).body["spans"]
    assert (span["name"], span["parent_id"]) == ("sandbox POST /charges", PARENT)
    assert span["service"] == "sandbox"
    assert span["attributes"]["sandbox.state"] == "authorised"


async def test_invalid_otlp_and_unknown_traces_are_refused(sandbox):
    assert (await post(sandbox, b"\xff\xff\xff")).status == 400
    url = f"{sandbox.url}/v1/traces"
    assert (await sandbox.session.post(url, json={})).status == 415
    assert (await sandbox.call("GET", f"/traces/{'0' * 32}.json")).status == 404
    assert (await sandbox.call("GET", "/traces/unknown")).status == 404


def test_only_the_latest_traces_are_kept():
    traces = Traces()
    for number in range(MOST_TRACES + 10):
        traces.ingest(batch(f"{number + 1:032x}"))
    assert traces.spans(f"{10:032x}") is None
    assert traces.spans(f"{MOST_TRACES + 10:032x}") is not None


@pytest.mark.parametrize(
    "header",
    [
        None, "", "x" * 55, f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}g-{PARENT}-01",
    ],
)  # fmt: skip
def test_a_traceparent_that_is_invalid_or_not_sampled_is_ignored(header):
    assert parse_traceparent(header) is None


def test_orphans_are_roots_and_children_follow_their_parents():
    def span(span_id: str, parent_id: str | None, start: int) -> Span:
        return Span(span_id, parent_id, span_id, "s", start, 1.0, "ok")

    spans = [span("root", None, 0), span("late", "root", 9), span("early", "root", 1),
             span("leaf", "early", 2), span("orphan", "elsewhere", 3)]  # fmt: skip
    bars = waterfall(sorted(spans, key=lambda each: each.start_unix_nano))
    assert [(bar.span.name, bar.depth) for bar in bars] == [
        ("root", 0), ("early", 1), ("leaf", 2), ("late", 1), ("orphan", 0),
    ]  # fmt: skip
