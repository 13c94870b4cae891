"""One trace as a tree, from the sandbox's OTLP receiver."""

import asyncio
import time
from typing import Any

import aiohttp
from rich.tree import Tree

EXPORT_SECONDS = 60.0  # guards against hanging; the SDK exports every five seconds
# Steps of a one-click charge that its trace must show, with words from their span names.
ROAD = {
    "gateway": ("gateway",),
    "oneclick": ("oneclick",),
    "payments": ("payments",),
    "PSP": ("sandbox",),
}
Span = dict[str, Any]


async def complete_trace(
    http: aiohttp.ClientSession, sandbox_url: str, trace_id: str
) -> tuple[list[Span], list[str]]:
    """The spans once they show the whole path, and the steps still missing after EXPORT_SECONDS."""
    deadline = time.monotonic() + EXPORT_SECONDS
    while True:
        async with http.get(f"{sandbox_url}/traces/{trace_id}.json") as answer:
            spans: list[Span] = (await answer.json())["spans"] if answer.status == 200 else []  # noqa: PLR2004 - HTTP
        missing = missing_parts(spans)
        if not missing or time.monotonic() > deadline:
            return spans, missing
        await asyncio.sleep(0.5)


def missing_parts(spans: list[Span]) -> list[str]:
    services = {span["service"] for span in spans}
    missing = [part for part, names in ROAD.items() if not services & set(names)]
    names = " ".join(span["name"].lower() for span in spans)
    attributes = {name for span in spans for name in span["attributes"]}
    if "sql" not in names and not any(name.startswith("db.") for name in attributes):
        missing.append("SQL")
    if "publish" not in names and "outbox" not in names:
        missing.append("outbox and NATS")
    return missing


def tree(trace_id: str, spans: list[Span]) -> Tree:
    """Spans below their parents in chronological order; those whose parent is missing are roots."""
    shown = Tree(f"[bold]Trace {trace_id}[/] of the first charge")
    known = {span["span_id"] for span in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: int(span["start_unix_nano"])):
        parent = span.get("parent_id") or ""
        children.setdefault(parent if parent in known else "", []).append(span)

    def add(branch: Tree, parent: str) -> None:
        for span in children.get(parent, []):
            label = (
                f"[cyan]{span['service']}[/] {span['name']} [dim]{span['duration_ms']:.1f} ms[/]"
            )
            add(branch.add(label), span["span_id"])

    add(shown, "")
    return shown
