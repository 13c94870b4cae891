"""`python -m bench.idle`: memory and CPU time of the whole stack while idle.

Memory is proportional set size (PSS): shared pages count once. PostgreSQL's figure includes the shared
buffers that it has touched.
"""

import asyncio
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench.cost import BACKENDS, seconds_of
from libs import services, terminal
from stack.embedded import Stack

NAMES: Final = (*BACKENDS, "localstripe", "sandbox", *services.NAMES, "gateway")
OURS: Final = {"gateway", *services.NAMES}
SETTLED_SECONDS: Final = 15.0  # for the work that follows a start


@dataclass(frozen=True)
class Idle:
    name: str
    mebibytes: float
    processor: float  # share of one CPU


def pss_mebibytes(pid: int) -> float:
    """PSS of a process and its children."""
    return sum(_pss(one) for one in (pid, *(c.pid for c in psutil.Process(pid).children(True))))


def _pss(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended in the meantime
        return 0.0
    return int(re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)[0]) / 1024


async def measure(stack: Stack, seconds: float) -> list[Idle]:
    await asyncio.sleep(SETTLED_SECONDS)
    before = {name: seconds_of(stack.pid(name)) for name in NAMES}
    await asyncio.sleep(seconds)
    return [
        Idle(
            name,
            pss_mebibytes(stack.pid(name)),
            (seconds_of(stack.pid(name)) - before[name]) / seconds,
        )
        for name in NAMES
    ]


async def run(seconds: float) -> list[Idle]:
    with tempfile.TemporaryDirectory(prefix="incasso-idle-") as folder:
        async with Stack.start(Path(folder)) as stack:
            return await measure(stack, seconds)


def sums(found: list[Idle]) -> Iterator[Idle]:
    for what, part in (
        ("services and gateway", [one for one in found if one.name in OURS]),
        ("everything", found),
    ):
        yield Idle(what, sum(one.mebibytes for one in part), sum(one.processor for one in part))


def main(seconds: Annotated[float, typer.Option(min=5, max=3600)] = 60) -> None:
    console = Console()
    with console.status("measuring"):
        found = asyncio.run(run(seconds))
    shown = Table(title=f"Idle for {seconds:.0f} s", title_justify="left")
    for column in ("", "MiB", "% of a CPU"):
        shown.add_column(column, justify="right")
    for one in (*found, *sums(found)):
        shown.add_row(one.name, f"{one.mebibytes:.0f}", f"{100 * one.processor:.2f}")
    console.print(shown)


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
