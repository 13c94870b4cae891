"""`python -m stack up` and `demo`: the embedded stack for people. `make` calls these."""

import asyncio
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from libs import terminal
from libs.errors import Refusal
from stack.child import StartFailedError
from stack.demo import run_demo
from stack.demo_data.front import NAME
from stack.demo_data.planting import plant, reconnect, remembered
from stack.demo_member import ensure_demo_member
from stack.demo_merchant import LENDER_KEY, DemoMerchant, ensure_demo_merchant, read_demo_env
from stack.embedded import REPOSITORY, Stack
from stack.ports import DEFAULT_PORT_BASE, plan_ports
from stack.process import accepts_connections, free_ports, is_port_free
from stack.reach import RunningStack
from stack.shop import JourneyFailedError
from stack.topology import LOCAL_SIGN_IN, Folders

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


@app.command()
def demo() -> None:
    """Plays every journey with real requests, on the running stack or on one of its own."""
    with lock(ROOT) as free:
        raise typer.Exit(run(play_on_own_stack() if free else play_on_running_stack()))


@app.command()
def demo_data(port_base: PortBase = DEFAULT_PORT_BASE) -> None:
    """A month of data worth looking at, in the running stack or in one that is started for it."""
    with lock(ROOT) as free:
        if free:
            wait_for_ports(port_base)
        raise typer.Exit(
            run(serve(port_base, with_data=True) if free else plant_in_running_stack())
        )


@contextmanager
def only_one_stack(root: Path) -> Iterator[None]:
    """Two stacks on the same data would destroy it."""
    with lock(root) as free:
        if not free:
            console.print(f"[red]A stack is already running here[/]; see {relative(root)}/demo.env")
            raise typer.Exit(1)
        yield


@contextmanager
def lock(root: Path) -> Iterator[bool]:
    """Whether no stack runs on this folder; none can start during the block."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "stack.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def wait_for_ports(port_base: int) -> None:
    """A stack that was just killed may keep its ports a little longer."""
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
    """Runs the job; Ctrl-C or SIGTERM ends it cleanly, once."""

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
        except (Refusal, JourneyFailedError) as refusal:
            console.print(f"[red bold]Setting up the demo's data failed:[/] {refusal!r}")
            console.print(f"See the logs in {relative(ROOT)}")
            return 1

    return asyncio.run(until_stopped())


async def serve(port_base: int, *, with_data: bool = False) -> int:
    began = time.monotonic()
    async with Stack.start(
        ROOT, port_base=port_base, console=True, report=report_event, on_ready=report_ready
    ) as stack:
        merchant = await ensure_demo_merchant(stack)
        await ensure_demo_member(stack, merchant.merchant_id)
        await reconnect(stack, ROOT)
        if with_data:
            await plant(stack, ROOT, console)
        console.print(addresses(stack, merchant))
        if (planted := remembered(ROOT)) is not None:
            console.print(f"{NAME}, with {planted.days} days of data: {planted.sign_in}")
        seconds = time.monotonic() - began
        console.print(f"[green bold]Ready[/] in {seconds:.1f} s. Ctrl-C stops it all.")
        await asyncio.Event().wait()
    return 0


async def play_on_own_stack() -> int:
    """The stack has its own data, which the next demo removes; its logs stay."""
    folder = ROOT / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    console.print("Starting a stack for the demo")
    async with Stack.start(folder, report=report_event, on_ready=report_ready) as stack:
        merchant = await ensure_demo_merchant(stack)
        held = await run_demo(
            console,
            url=stack.url,
            secret_key=merchant.secret_key,
            sandbox_url=stack.sandbox_url,
            localstripe_url=stack.localstripe_url,
            lender_key=merchant.lender_key,
            report=ROOT / "demo.json",
        )
    return 0 if held else 1


async def plant_in_running_stack() -> int:
    if (known := running_stack()) is None:
        return 1
    stack = RunningStack(Folders(ROOT.resolve()), known)
    began = time.monotonic()
    planted = await plant(stack, ROOT, console)
    console.print(f"[green bold]Done[/] in {time.monotonic() - began:.0f} s.")
    console.print(f"{NAME}: sign in at {stack.console_url} as {planted.sign_in}")
    return 0


def running_stack() -> Mapping[str, str] | None:
    """The running stack's demo.env, or None, with a message, while the stack is not ready."""
    file = ROOT / "demo.env"
    known = read_demo_env(file) if file.exists() else {}
    url = known.get("INCASSO_URL", "")
    if not url or not is_listening(url):
        console.print("[red]The running stack is not ready yet.[/] Try again in a few seconds.")
        return None
    return known


async def play_on_running_stack() -> int:
    if (known := running_stack()) is None:
        return 1
    url = known["INCASSO_URL"]
    console.print(f"Playing on the stack at {url}")
    held = await run_demo(
        console,
        url=url,
        secret_key=known["INCASSO_SECRET_KEY"],
        sandbox_url=known["INCASSO_SANDBOX_URL"],
        localstripe_url=known["INCASSO_LOCALSTRIPE_URL"],
        lender_key=known[LENDER_KEY],
        report=ROOT / "demo.json",
    )
    return 0 if held else 1


def is_listening(url: str) -> bool:
    port = urlsplit(url).port
    return port is not None and accepts_connections(port)


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
        "Console": stack.console_url,
        "Demo sign-in": LOCAL_SIGN_IN,
        "Sandbox, traces, faults": stack.sandbox_url,
        "Customers' inbox": stack.inbox_url,
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
    terminal.prepare()
    app()
