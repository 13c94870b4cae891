"""`python -m bench.worst_inputs`: what the worst inputs of one caller cost everybody else.

On a stack of its own each input is sent again and again, while another caller asks for a small file:
how long that takes at worst is how late the gateway's event loop ran. A busy machine is late too, as
the first row tells.
"""

import asyncio
import gzip
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import psutil
import typer
from rich.console import Console
from rich.table import Table

from libs import terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack

SENDERS: Final = 4
PROBE: Final = "/js/v1/incasso.js"
PROBE_EVERY_SECONDS: Final = 0.02
LINKS: Final = "/v1/payment-links"
FORM: Final = "/p/0000000000000000000000/pay"
_MEGABYTE: Final = 1_000_000
_LINE: Final = 8_000


@dataclass(frozen=True, slots=True)
class Input:
    path: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


def json_body(body: bytes, **headers: str) -> Input:
    known = {"Content-Type": "application/json", "Idempotency-Key": "worst"}
    return Input(LINKS, headers={**known, **headers}, body=body)


def header(name: str, value: str, *, path: str = LINKS, method: str = "GET") -> Input:
    return Input(path, method=method, headers={name: value})


def form(body: bytes) -> Input:
    return Input(FORM, headers={"Content-Type": "application/x-www-form-urlencoded"}, body=body)


def repeated(part: bytes, most: int = 880_000) -> bytes:
    return part * (most // len(part))


INPUTS: Final[dict[str, Input]] = {
    "9,344 names": json_body(b'{"n":0,"n":0,' + b",".join(b'"%d":0' % n for n in range(9_342)) + b"}"),
    "names": json_body(b"{" + b",".join(b'"%d":0' % n for n in range(80_000)) + b"}"),
    "unknown names": json_body(b"{" + b",".join(b'"%d":0' % n for n in range(9_900)) + b"}"),
    "lists in lists": json_body(repeated(b"[")),
    "objects in objects": json_body(repeated(b'{"a":')),
    "empty objects": json_body(b'{"line_items":[' + repeated(b"{},") + b"{}]}"),
    "empty lists": json_body(b"[" + repeated(b"[],") + b"[]]"),
    "numbers": json_body(b"[" + repeated(b"1,") + b"1]"),
    "one number": json_body(repeated(b"9")),
    "long numbers": json_body(b"[" + repeated(b"9" * 4_000 + b",") + b"9]"),
    "long fractions": json_body(b"[" + repeated(b"0." + b"7" * 4_000 + b"e-9,") + b"9]"),
    "escapes": json_body(b'{"description":"' + repeated(rb"\ud83d\ude00") + b'"}'),
    "keys of a map": json_body(b'{"metadata":{' + b",".join(b'"%d":""' % n for n in range(9_900)) + b"}}"),
    "blanks": json_body(repeated(b" ")),
    "no UTF-8": json_body(repeated(b"\xff")),
    "bomb": json_body(gzip.compress(b" " * 100 * _MEGABYTE), **{"Content-Encoding": "gzip"}),
    "form fields": form(repeated(b"&a=", 32_000)),
    "form escapes": form(repeated(b"%F0%9F", 32_000)),
    "query": Input(f"/v1/payments?{'a=&' * (_LINE // 3)}", method="GET"),
    "Accept-Language": header("Accept-Language", "a;q=0.1," * (_LINE // 8), path=FORM[:-4]),
    "Content-Type": json_body(b"{}", **{"Content-Type": 'a/b;a="' + ";" * _LINE}),
    "Content-Type parameters": json_body(b"{}", **{"Content-Type": "a/b" + ";a=b" * (_LINE // 4)}),
    "Authorization": header("Authorization", "Bearer " + "sk_" * (_LINE // 3)),
    "Idempotency-Key": header("Idempotency-Key", '"' + r"\"" * (_LINE // 2), method="POST"),
    "If-None-Match": header("If-None-Match", 'W/"a",' * (_LINE // 6), path=PROBE),
    "X-Forwarded-For": header("X-Forwarded-For", "::1," * (_LINE // 4)),
    "Traceparent": header("Traceparent", "00-" + "0" * _LINE),
    "Cookie": header("Cookie", "a=b;" * (_LINE // 4)),
}  # fmt: skip


@dataclass(slots=True)
class Cost:
    """`late` are durations of the small request, in seconds."""

    late: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    processor_seconds: float = 0.0


async def send(http: aiohttp.ClientSession, key: str, worst: Input) -> str:
    headers = {"Authorization": f"Bearer {key}", **worst.headers}
    try:
        async with http.request(
            worst.method, worst.path, headers=headers, data=worst.body, allow_redirects=False
        ) as response:
            await response.read()
            return str(response.status)
    except aiohttp.ClientError as error:
        return type(error).__name__


async def probe(http: aiohttp.ClientSession) -> float:
    started = time.perf_counter()
    async with http.get(PROBE) as response:
        await response.read()
    return time.perf_counter() - started


async def cost_of(
    http: aiohttp.ClientSession,
    key: str,
    process: psutil.Process,
    worst: Input | None,
    seconds: float,
) -> Cost:
    found, ends = Cost(), time.perf_counter() + seconds
    before = sum(process.cpu_times()[:2])

    async def sender() -> None:
        while worst is not None and time.perf_counter() < ends:
            found.answers[await send(http, key, worst)] += 1

    senders = [asyncio.create_task(sender()) for _ in range(SENDERS)]
    while time.perf_counter() < ends:
        found.late.append(await probe(http))
        await asyncio.sleep(PROBE_EVERY_SECONDS)
    await asyncio.gather(*senders)
    found.processor_seconds = sum(process.cpu_times()[:2]) - before
    return found


async def measure(seconds: float) -> dict[str, Cost]:
    settings = {"gateway": {"INCASSO_FAILURES_BURST": "1000000"}}
    with tempfile.TemporaryDirectory(prefix="incasso-worst-") as folder:
        async with (
            Stack.start(Path(folder), env_overrides=settings) as stack,
            aiohttp.ClientSession(stack.url) as http,
        ):
            key = (await create_merchant(stack, "Worst")).secret_key
            process = psutil.Process(stack.pid("gateway"))
            nothing = await cost_of(http, key, process, None, seconds)
            found = {"nothing": nothing}
            for name, worst in INPUTS.items():
                found[name] = await cost_of(http, key, process, worst, seconds)
    return found


def table(found: Mapping[str, Cost]) -> Table:
    shown = Table(title="A small request beside the worst inputs", title_justify="left")
    for column in ("input", "p50 ms", "worst ms", "inputs", "processor ms each", "answers"):
        shown.add_column(column, justify="left" if column in ("input", "answers") else "right")
    for name, cost in found.items():
        late, count = sorted(cost.late), cost.answers.total()
        each = f"{1000 * cost.processor_seconds / count:.1f}" if count else ""
        shown.add_row(
            name,
            f"{1000 * late[len(late) // 2]:.1f}",
            f"{1000 * late[-1]:.1f}",
            str(count or ""),
            each,
            ", ".join(f"{status}: {times}" for status, times in cost.answers.items()),
        )
    return shown


def main(seconds: Annotated[float, typer.Option(min=0.2, max=60)] = 2.0) -> None:
    console = Console()
    with console.status("measuring"):
        found = asyncio.run(measure(seconds))
    console.print(table(found))


if __name__ == "__main__":
    terminal.prepare()
    typer.run(main)
