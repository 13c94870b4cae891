"""`python -m stack up` and `demo`: the embedded stack for people. `make` calls these."""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stack.child import StartFailedError
from stack.demo_merchant import DemoMerchant, ensure_demo_merchant
from stack.embedded import REPOSITORY, Stack
from stack.process import free_ports, is_port_free
from stack.topology import DEFAULT_PORT_BASE, plan_ports

ROOT = REPOSITORY / ".incasso"
PORTS_TIMEOUT_SECONDS = 10.0

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)
console = Console(highlight=False)
PortBase = Annotated[
    int, typer.Option(envvar="INCASSO_PORT_BASE", help="port of the gateway; others follow")
]


@app.callback()
def describe() -> None:
    """The embedded stack: PostgreSQL, NATS, sandbox and every service on this machine."""


@app.command()
def up(port_base: PortBase = DEFAULT_PORT_BASE) -> None:
    """Starts everything with a demo merchant and runs until Ctrl-C."""
    with only_one_stack(ROOT):
        wait_for_ports(port_base)
        raise typer.Exit(run(serve(port_base)))


@contextmanager
def only_one_stack(root: Path) -> Iterator[None]:
    """Two stacks on the same data would destroy them."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print(
                f"[red]A stack is already running here[/]; its keys are in {root}/demo.env"
            )
            raise typer.Exit(1) from None
        yield


def wait_for_ports(port_base: int) -> None:
    """A stack that was just killed may hold its ports a little longer."""
    wanted = plan_ports(free_ports, {}, port_base).all()
    deadline = time.monotonic() + PORTS_TIMEOUT_SECONDS
    while taken := [port for port in wanted if not is_port_free(port)]:
        if time.monotonic() > deadline:
            numbers = ", ".join(map(str, taken))
            console.print(f"[red]Something else listens on port {numbers}.[/] ", end="")
            console.print("Choose another base: [bold]INCASSO_PORT_BASE=18080 make up[/]")
            raise typer.Exit(1)
        time.sleep(0.2)


def run(job: Awaitable[int]) -> int:
    """Runs the job; Ctrl-C or SIGTERM ends it in good order, once."""

    async def until_stopped() -> int:
        task = asyncio.ensure_future(job)
        loop = asyncio.get_running_loop()
        stopping = False

        def stop() -> None:
            nonlocal stopping
            if not stopping:
                stopping = True
                console.print("\nStopping …")
                task.cancel()

        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(sig, stop)
        try:
            return await task
        except asyncio.CancelledError:
            console.print("Stopped.")
            return 0
        except StartFailedError as refusal:
            console.print("[red bold]The stack did not start.[/]")
            console.print(str(refusal), markup=False)
            return 1

    return asyncio.run(until_stopped())


async def serve(port_base: int) -> int:
    began = time.monotonic()
    async with Stack.start(
        ROOT, port_base=port_base, report=report_event, on_ready=report_ready
    ) as stack:
        merchant = await ensure_demo_merchant(stack)
        console.print(addresses(stack, merchant))
        seconds = time.monotonic() - began
        console.print(f"[green bold]Ready[/] in {seconds:.1f} s. Ctrl-C stops it all.")
        await asyncio.Event().wait()
    return 0


def report_ready(name: str, seconds: float) -> None:
    done = "done" if name.endswith("-migrate") else "ready"
    console.print(f"  [green]✓[/] {name:<20} {done} after {seconds:4.1f} s")


def report_event(what: str) -> None:
    console.print(f"[yellow]{time.strftime('%H:%M:%S')} {what}[/]")


def addresses(stack: Stack, merchant: DemoMerchant) -> Table:
    table = Table(title="Incasso", title_justify="left", title_style="bold", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    folders = stack.folders
    rows = {
        "REST API": stack.url,
        "API reference": f"{stack.url}/docs",
        "Sandbox, traces, faults": stack.sandbox_url,
        "localstripe": stack.localstripe_url,
        "PostgreSQL": stack.database_url("payments"),
        "NATS": stack.nats_url,
        "Secret key": merchant.secret_key,
        "Publishable key": merchant.publishable_key,
        "Keys for scripts": relative(folders.demo_env),
        "Logs": f"{relative(folders.log)}/<name>.log",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def relative(path: Path) -> str:
    return os.path.relpath(path)


if __name__ == "__main__":
    app()
