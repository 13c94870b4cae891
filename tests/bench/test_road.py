"""A request's round trips: those that it waited for, counted from its trace."""

from typing import Any

from bench import road

MILLISECOND = 1_000_000


def span(own: str, parent: str, name: str, at: int, *, sql: bool = False) -> dict[str, Any]:
    """`at`: the start, in milliseconds."""
    return {
        "span_id": own,
        "parent_id": parent,
        "name": name,
        "service": "gateway" if parent == "shop" else "payments",
        "start_unix_nano": at * MILLISECOND,
        "duration_ms": 10.0,
        "attributes": {"db.query.text": "SELECT 1"} if sql else {},
    }


REQUEST = [
    span("1", "shop", "HTTP POST /v1/payments", 0),
    span("2", "1", "call CreatePayment", 1),
    span("3", "2", "CreatePayment", 2),
    span("4", "3", "BEGIN", 3, sql=True),
    span("5", "3", "psp authorise", 4),
]


def test_sql_rpc_and_psp_calls_are_round_trips_and_server_spans_are_not() -> None:
    assert road.count(REQUEST) == 3


def test_spans_begun_after_the_response_are_not_counted() -> None:
    assert road.count([*REQUEST, span("6", "3", "INSERT late", 11, sql=True)]) == 3


def test_event_publishing_and_processing_are_not_counted() -> None:
    published = [
        span("6", "3", "publish incasso.payments.payment.captured", 5),
        span("7", "6", "process incasso.payments.payment.captured", 6),
        span("8", "7", "INSERT events", 7, sql=True),
    ]
    assert road.count([*REQUEST, *published]) == 3


def test_an_empty_trace_has_no_round_trips() -> None:
    assert road.count([]) == 0
