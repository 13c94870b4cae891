"""Round trips of one request, counted in its trace: everything that ran before it was answered."""

import asyncio
import time
from typing import Any, Final

import aiohttp

EXPORT_SECONDS: Final = 15.0  # the SDK exports every five seconds
LOOK_SECONDS: Final = 0.5
_NANO: Final = 1_000_000
_CALLS: Final = ("call ", "psp ")

Span = dict[str, Any]


async def round_trips(http: aiohttp.ClientSession, sandbox_url: str, trace_id: str) -> int:
    """SQL statements including BEGIN and COMMIT, calls to other services, and calls to the PSP."""
    deadline, spans = time.monotonic() + EXPORT_SECONDS, list[Span]()
    while True:
        async with http.get(f"{sandbox_url}/traces/{trace_id}.json") as answer:
            now = (await answer.json())["spans"] if answer.ok else []
        if (root_of(now) and len(now) == len(spans)) or time.monotonic() > deadline:
            return count(now)
        spans = now
        await asyncio.sleep(12 * LOOK_SECONDS)  # longer than the SDK's export interval


def root_of(spans: list[Span]) -> Span | None:
    """The gateway's span for the request."""
    found = (span for span in spans if span["service"] == "gateway" and span["name"][:4] == "HTTP")
    return min(found, key=_start, default=None)


def count(spans: list[Span]) -> int:
    """The request's round trips that started before it was answered; 0 without a trace."""
    root = root_of(spans)
    if root is None:
        return 0
    children: dict[str, list[Span]] = {}
    for span in spans:
        children.setdefault(span.get("parent_id") or "", []).append(span)
    answered = _start(root) + root["duration_ms"] * _NANO
    found, open_spans = 0, [root]
    while open_spans:
        below = children.get(open_spans.pop()["span_id"], [])
        waited_for = [span for span in below if _start(span) < answered and not _is_event(span)]
        found += sum(_is_round_trip(span) for span in waited_for)
        open_spans += waited_for
    return found


def _start(span: Span) -> int:
    return int(span["start_unix_nano"])


def _is_round_trip(span: Span) -> bool:
    return str(span["name"]).startswith(_CALLS) or "db.query.text" in span["attributes"]


def _is_event(span: Span) -> bool:
    """Whether it belongs to the same trace but runs outside the request."""
    return str(span["name"]).startswith(("publish ", "process ", "apply psp webhook"))
