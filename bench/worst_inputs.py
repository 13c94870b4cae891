"""`python -m bench.worst_inputs`: how one caller's worst inputs affect all other callers.

On its own stack, another process sends each input over and over while this one requests a small file.
The time that takes shows how late the gateway's event loop runs, as does the gateway's own gauge. A busy
machine is late by itself; the first row is the baseline.
"""

import asyncio
import gzip
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import aiohttp
import psutil
import typer
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from libs import terminal
from stack.demo_merchant import create_merchant
from stack.embedded import Stack

SENDERS: Final = 4
PROBE: Final = "/js/v1/incasso.js"
PROBE_EVERY_SECONDS: Final = 0.02
LATE: Final = "incasso_loop_lag_seconds"  # the worst of the last 15 to 30 seconds
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


# Built only when sent: building them all takes a third of a second.
INPUTS: Final[dict[str, Callable[[], Input]]] = {
    "9,344 names": lambda: json_body(b'{"n":0,"n":0,' + b",".join(b'"%d":0' % n for n in range(9_342)) + b"}"),
    "names": lambda: json_body(b"{" + b",".join(b'"%d":0' % n for n in range(80_000)) + b"}"),
    "unknown names": lambda: json_body(b"{" + b",".join(b'"%d":0' % n for n in range(9_900)) + b"}"),
    "lists in lists": lambda: json_body(repeated(b"[")),
    "objects in objects": lambda: json_body(repeated(b'{"a":')),
    "empty objects": lambda: json_body(b'{"line_items":[' + repeated(b"{},") + b"{}]}"),
    "empty lists": lambda: json_body(b"[" + repeated(b"[],") + b"[]]"),
    "numbers": lambda: json_body(b"[" + repeated(b"1,") + b"1]"),
    "one number": lambda: json_body(repeated(b"9")),
    "long numbers": lambda: json_body(b"[" + repeated(b"9" * 4_000 + b",") + b"9]"),
    "long fractions": lambda: json_body(b"[" + repeated(b"0." + b"7" * 4_000 + b"e-9,") + b"9]"),
    "escapes": lambda: json_body(b'{"description":"' + repeated(rb"\ud83d\ude00") + b'"}'),
    "keys of a map": lambda: json_body(b'{"metadata":{' + b",".join(b'"%d":""' % n for n in range(9_900)) + b"}}"),
    "blanks": lambda: json_body(repeated(b" ")),
    "no UTF-8": lambda: json_body(repeated(b"\xff")),
    "bomb": lambda: json_body(gzip.compress(b" " * 100 * _MEGABYTE, compresslevel=1), **{"Content-Encoding": "gzip"}),
    "form fields": lambda: form(repeated(b"&a=", 32_000)),
    "form escapes": lambda: form(repeated(b"%F0%9F", 32_000)),
    "query": lambda: Input(f"/v1/payments?{'a=&' * (_LINE // 3)}", method="GET"),
    "Accept-Language": lambda: header("Accept-Language", "a;q=0.1," * (_LINE // 8), path=FORM[:-4]),
    "Content-Type": lambda: json_body(b"{}", **{"Content-Type": 'a/b;a="' + ";" * _LINE}),
    "Content-Type parameters": lambda: json_body(b"{}", **{"Content-Type": "a/b" + ";a=b" * (_LINE // 4)}),
    "Authorization": lambda: header("Authorization", "Bearer " + "sk_" * (_LINE // 3)),
    "Idempotency-Key": lambda: header("Idempotency-Key", '"' + r"\"" * (_LINE // 2), method="POST"),
    "If-None-Match": lambda: header("If-None-Match", 'W/"a",' * (_LINE // 6), path=PROBE),
    "X-Forwarded-For": lambda: header("X-Forwarded-For", "::1," * (_LINE // 4)),
    "Traceparent": lambda: header("Traceparent", "00-" + "0" * _LINE),
    "Cookie": lambda: header("Cookie", "a=b;" * (_LINE // 4)),
}  # fmt: skip


@dataclass(slots=True)
class Cost:
    """Seconds: `late` is the latency of the small requests, `loop_late` the gateway's recent gauge."""

    late: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    processor: float = 0.0
    loop_late: float = 0.0


def send(url: str, key: str, worst: Input, seconds: float) -> Counter[str]:
    """Answers by status. Runs in a separate process, so that it does not delay the measurement."""
    return asyncio.run(_send(url, key, worst, seconds))


async def _send(url: str, key: str, worst: Input, seconds: float) -> Counter[str]:
    answers: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {key}", **worst.headers}
    ends = time.perf_counter() + seconds

    async def sender(http: aiohttp.ClientSession) -> None:
        while time.perf_counter() < ends:
            answers[await _status(http, worst, headers)] += 1

    async with aiohttp.ClientSession(url) as http:
        await asyncio.gather(*(sender(http) for _ in range(SENDERS)))
    return answers


async def _status(http: aiohttp.ClientSession, worst: Input, headers: Mapping[str, str]) -> str:
    try:
        async with http.request(
            worst.method, worst.path, headers=headers, data=worst.body, allow_redirects=False
        ) as response:
            await response.read()
            return str(response.status)
    except aiohttp.ClientError as error:
        return type(error).__name__


class Gateway:
    """The measured gateway, and the process that sends to it."""

    def __init__(
        self, stack: Stack, http: aiohttp.ClientSession, elsewhere: ProcessPoolExecutor, key: str
    ) -> None:
        self._stack = stack
        self._http = http
        self._elsewhere = elsewhere
        self._key = key
        self._process = psutil.Process(stack.pid("gateway"))

    async def cost_of(self, worst: Input | None, seconds: float) -> Cost:
        found, before = Cost(), self._processor()
        sending = asyncio.ensure_future(self._sent(worst, seconds))
        while not sending.done():
            found.late.append(await self._probe())
            await asyncio.sleep(PROBE_EVERY_SECONDS)
        found.answers = await sending
        found.processor = self._processor() - before
        found.loop_late = await self._loop_late()
        return found

    async def _sent(self, worst: Input | None, seconds: float) -> Counter[str]:
        if worst is None:
            await asyncio.sleep(seconds)
            return Counter()
        sent = self._elsewhere.submit(send, self._stack.url, self._key, worst, seconds)
        return await asyncio.wrap_future(sent)

    async def _probe(self) -> float:
        started = time.perf_counter()
        async with self._http.get(f"{self._stack.url}{PROBE}") as response:
            await response.read()
        return time.perf_counter() - started

    async def _loop_late(self) -> float:
        async with self._http.get(f"{self._stack.admin_url('gateway')}/metrics") as response:
            families = text_string_to_metric_families(await response.text())
            return next(f.samples[0].value for f in families if f.name == LATE)

    def _processor(self) -> float:
        return sum(self._process.cpu_times()[:2])


async def measure(seconds: float) -> dict[str, Cost]:
    settings = {"gateway": {"INCASSO_FAILURES_BURST": "1000000"}}
    with (
        tempfile.TemporaryDirectory(prefix="incasso-worst-") as folder,
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as elsewhere,
    ):
        async with (
            Stack.start(Path(folder), env_overrides=settings) as stack,
            aiohttp.ClientSession() as http,
        ):
            key = (await create_merchant(stack, "Worst")).secret_key
            gateway = Gateway(stack, http, elsewhere, key)
            await gateway.cost_of(INPUTS["blanks"](), 1.0)  # starts the sender's process
            found = {"nothing": await gateway.cost_of(None, seconds)}
            for name, worst in INPUTS.items():
                found[name] = await gateway.cost_of(worst(), seconds)
    return found


def table(found: Mapping[str, Cost]) -> Table:
    shown = Table(title="A small request alongside the worst inputs", title_justify="left")
    figures = ("p50 ms", "p99 ms", "worst ms", "loop late ms", "inputs", "CPU ms each")
    for column in ("input", *figures, "answers"):
        shown.add_column(column, justify="right" if column in figures else "left")
    for name, cost in found.items():
        late, count = sorted(cost.late), cost.answers.total()
        each = f"{1000 * cost.processor / count:.1f}" if count else ""
        shown.add_row(
            name,
            f"{1000 * late[len(late) // 2]:.1f}",
            f"{1000 * late[len(late) * 99 // 100]:.1f}",
            f"{1000 * late[-1]:.1f}",
            f"{1000 * cost.loop_late:.1f}",
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
