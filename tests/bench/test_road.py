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


def test_sql_calls_and_the_psp_are_round_trips_and_servers_are_not() -> None:
    assert road.count(REQUEST) == 3


def test_what_began_after_the_answer_is_not_waited_for() -> None:
    assert road.count([*REQUEST, span("6", "3", "INSERT late", 11, sql=True)]) == 3


def test_events_of_the_trace_are_beside_the_request() -> None:
    published = [
        span("6", "3", "publish incasso.payments.payment.captured", 5),
        span("7", "6", "process incasso.payments.payment.captured", 6),
        span("8", "7", "INSERT events", 7, sql=True),
    ]
    assert road.count([*REQUEST, *published]) == 3


def test_without_a_trace_there_are_none() -> None:
    assert road.count([]) == 0
