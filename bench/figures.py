"""The measurements, as stored in latest.json and as shown in a terminal."""

import os
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from bench.cost import Counted, Spent
from bench.load import WRK, Load
from bench.reference import Reference


@dataclass(frozen=True)
class Plan:
    seconds: int
    concurrency: int
    sampling: str
    links: int


@dataclass(frozen=True)
class Cost:
    """Cost of a batch of charges: CPU time and WAL from one run, statement counts from another."""

    pieces: int
    spent: Spent
    counted_pieces: int
    counted: Counted
    round_trips: int


@dataclass(frozen=True)
class Figures:
    alone: Load
    saturated: Load
    limit: Reference
    charge: Cost
    link: Cost
    booked: int  # charges of this run in the PSP's books
    captured: int  # captured payments of this run in Incasso's books


def summary(plan: Plan, figures: Figures) -> dict[str, Any]:
    saturated, alone, limit = figures.saturated, figures.alone, figures.limit
    return {
        "machine": {
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
            "load_generator": "wrk" if WRK else "python",
        },
        "plan": {
            "seconds": plan.seconds,
            "concurrency": plan.concurrency,
            "trace_sampling": float(plan.sampling),
        },
        "alone": _figures(alone),
        "saturated": _figures(saturated),
        "reference_sql_per_second": round(limit.per_second, 1),
        "reference_cpu_ms": round(1000 * limit.cpu_seconds, 3),
        "ratio_to_reference": round(saturated.per_second / limit.per_second, 3),
        "cost": {**_cost(figures.charge, limit), "link": _cost(figures.link, limit)},
        "charges_in_psp_books": figures.booked,
        "charges_captured": figures.captured,
    }


def _figures(load: Load) -> dict[str, Any]:
    return {
        "charges_per_second": round(load.per_second, 1),
        "p50_ms": round(load.p50_ms, 2),
        "p95_ms": round(load.p95_ms, 2),
        "p99_ms": round(load.p99_ms, 2),
        "not_captured": load.other,
    }


def _cost(cost: Cost, limit: Reference) -> dict[str, Any]:
    """Per charge."""
    each = cost.spent.all_seconds / max(cost.pieces, 1)
    of_services = cost.counted.by_service
    shares = sorted(cost.spent.shares.items(), key=lambda share: -share[1])
    return {
        "cpu_ms": round(1000 * each, 2),
        "cpu_in_reference_charges": round(each / limit.cpu_seconds, 1),
        "cpu_share": {name: round(share, 3) for name, share in shares},
        "statements": round(cost.counted.statements / max(cost.counted_pieces, 1), 1),
        "statements_by_service": {
            name: round(count / max(cost.counted_pieces, 1), 1)
            for name, count in of_services.most_common()
        },
        "commits": round(cost.counted.commits / max(cost.counted_pieces, 1), 1),
        "wal_bytes": round(cost.spent.wal_bytes / max(cost.pieces, 1)),
        "round_trips": cost.round_trips,
    }


def speeds(found: Mapping[str, Any]) -> Table:
    shown = Table(title="One-click charges", title_justify="left", title_style="bold")
    for column in ("", "charges/s", "p50 ms", "p95 ms", "p99 ms", "not captured"):
        shown.add_column(column, justify="left" if column in ("", "not captured") else "right")
    for name in ("alone", "saturated"):
        row = found[name]
        shown.add_row(
            name,
            *(f"{row[k]:g}" for k in ("charges_per_second", "p50_ms", "p95_ms", "p99_ms")),
            ", ".join(f"{n} {what}" for what, n in row["not_captured"].items()) or "none",
        )
    shown.add_row("bare SQL (limit)", f"{found['reference_sql_per_second']:g}")
    return shown


def costs(found: Mapping[str, Any]) -> Table:
    shown = Table(title="Cost of one payment", title_justify="left", title_style="bold")
    for column in ("", "one click", "link paid by card"):
        shown.add_column(column, justify="right" if column else "left")
    both = (found["cost"], found["cost"]["link"])
    for name in ("statements", "commits", "wal_bytes", "round_trips", "cpu_ms"):
        shown.add_row(name.replace("_", " "), *(f"{cost[name]:g}" for cost in both))
    shown.add_row(
        "cpu in reference charges", *(f"{cost['cpu_in_reference_charges']:g}" for cost in both)
    )
    for name in both[0]["cpu_share"]:
        shown.add_row(f"  {name}", *(f"{cost['cpu_share'][name]:.1%}" for cost in both))
    return shown


def tables(title: str, cost: Cost) -> Table:
    shown = Table(title=f"WAL of {title}", title_justify="left", title_style="bold")
    shown.add_column("table and its indexes")
    shown.add_column("bytes", justify="right")
    for name, size in Counter(cost.spent.wal_by_table).most_common():
        if each := round(size / max(cost.pieces, 1)):
            shown.add_row(name, f"{each:,}")
    return shown


def statements(title: str, cost: Cost) -> Table:
    shown = Table(title=f"Statements of {title}", title_justify="left", title_style="bold")
    shown.add_column("what")
    shown.add_column("times", justify="right")
    for name, count in cost.counted.by_name.most_common():
        if each := round(count / max(cost.counted_pieces, 1), 2):
            shown.add_row(name, f"{each:g}")
    return shown
