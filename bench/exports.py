"""What exporting a list as a file costs: rows per second, and how much memory the process gains.

First the gateway's share alone: turning Payment messages into rows and writing them. Then end to end on a
stack: gateway, payments and PostgreSQL. `make bench-exports`; `ROWS=1000000` for a stack with a million
payments. The results are in `bench/results/exports.json`.
"""

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from bench.cost import Meter
from bench.growing_lists import EVERY, FIRST, SUBJECTS
from bench.memory import MEBI, grown, settle
from incasso.common.v1.money_pb2 import Money
from incasso.payments.v1.payments_pb2 import Payment
from libs import lag
from libs.tables.model import Format, Row, Table
from libs.tables.writing import write
from services.gateway.config import Config
from services.gateway.rules import columns
from stack.demo_merchant import create_merchant
from stack.embedded import Stack

PAGE: Final = 100
FEW: Final = 100_000  # the baseline for memory, compared with MOST
MOST: Final = Config.model_fields["export_max_rows"].default
MOST_XLSX: Final = Config.model_fields["export_max_xlsx_rows"].default
RUNS: Final = (
    (Format.CSV, FEW),
    (Format.CSV, MOST),
    (Format.PARQUET, FEW),
    (Format.PARQUET, MOST),
    (Format.XLSX, MOST_XLSX // 10),
    (Format.XLSX, MOST_XLSX),
)
ON_A_STACK: Final = int(os.environ.get("ROWS", "100000"))
MOST_GROWN_MIB: Final = 192  # pyarrow itself takes 70
RESULTS: Final = Path(__file__).parent / "results" / "exports.json"


def payment(number: int) -> Payment:
    found = Payment(
        id=f"pay_{number:026d}",
        state=Payment.STATE_CAPTURED,
        amount=Money(amount_minor=1000 + number % 90_000, currency="EUR"),
        captured_minor=1000 + number % 90_000,
        order_reference=f"A-{number}",
        customer_id=f"cus_{number % 50_000:026d}",
        psp_account="stripe-it",
        psp_reference=f"pi_{number:024x}",
        metadata={"cart": f"c.{number}"},
        trace_id=f"{number:032x}",
    )
    found.created_at.seconds = 1_780_000_000 + number
    return found


async def pages(sources: Sequence[columns.Source], rows: int) -> AsyncIterator[Sequence[Row]]:
    for first in range(0, rows, PAGE):
        page = [payment(number) for number in range(first, first + PAGE)]
        yield [tuple([source.value(element) for source in sources]) for element in page]


def measured(form: Format, rows: int) -> dict[str, Any]:
    """Measures in this process, which must be fresh."""
    return asyncio.run(_measured(form, rows))


async def _measured(form: Format, rows: int) -> dict[str, Any]:
    sources = columns.of_elements(Payment.DESCRIPTOR)
    table = Table("payments", tuple(source.column for source in sources))
    meter = lag.Meter(window_seconds=3600)
    watching = asyncio.create_task(meter.run())
    before, began, spent, size, first = settle(), time.monotonic(), time.process_time(), 0, 0.0
    async for piece in write(table, form, pages(sources, rows)):
        size += len(piece)
        first = first or time.monotonic() - began
    seconds, used = time.monotonic() - began, time.process_time() - spent
    watching.cancel()
    return {
        "format": form.value,
        "rows": rows,
        "columns": len(list(table.header())),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used, 1),
        "rows_per_second": round(rows / seconds),
        "rows_per_cpu_second": round(rows / used),
        "first_byte_seconds": round(first, 2),
        "size_mib": round(size / MEBI**2, 1),
        "grew_mib": round((grown() - before) / MEBI, 1),
        "loop_held_ms": round(1000 * meter.worst.held, 1),
    }


async def on_a_stack(rows: int) -> dict[str, Any]:
    """Exports a merchant's payments as CSV; `rows` of them are inserted by SQL."""
    (subject,) = (each for each in SUBJECTS if each.table == "payments")
    with tempfile.TemporaryDirectory(prefix="incasso-exports-") as folder:
        async with Stack.start(Path(folder)) as stack, Meter(stack) as meter:
            merchant = await create_merchant(stack, "Exports", plan="enterprise")
            await meter.run(subject.service, subject.fill, merchant.merchant_id, rows, FIRST, EVERY)
            await meter.run(subject.service, f"VACUUM ANALYZE {subject.table}")
            gateway, payments = (
                psutil.Process(stack.pid(name)) for name in ("gateway", "payments")
            )
            before, began = settle(gateway.pid), time.monotonic()
            spent = [_used(process) for process in (gateway, payments)]
            size, lines = await _exported(stack.url, merchant.secret_key)
            seconds = time.monotonic() - began
            if lines != rows + 1:
                raise RuntimeError(f"{lines - 1} of {rows} rows were exported")
            used = [_used(one) - by for one, by in zip((gateway, payments), spent, strict=True)]
            return {
                "on_a_stack": "csv",
                "rows": rows,
                "seconds": round(seconds, 1),
                "rows_per_second": round(rows / seconds),
                "gateway_cpu_seconds": round(used[0], 1),
                "payments_cpu_seconds": round(used[1], 1),
                "size_mib": round(size / MEBI**2, 1),
                "gateway_grew_mib": round((grown(gateway.pid) - before) / MEBI, 1),
            }


def _used(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _exported(url: str, key: str) -> tuple[int, int]:
    """Size in bytes and number of lines of the exported file."""
    headers = {"Authorization": f"Bearer {key}", "Accept": Format.CSV.media_type}
    timeout, size, lines = aiohttp.ClientTimeout(total=3600), 0, 0
    async with (
        aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
        http.get(f"{url}/v1/payments") as answer,
    ):
        answer.raise_for_status()
        async for piece in answer.content.iter_any():
            size += len(piece)
            lines += piece.count(b"\n")
    return size, lines


def main() -> None:
    spawn, results = multiprocessing.get_context("spawn"), []
    for form, rows in RUNS:
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            found = alone.submit(measured, form, rows).result()
        results.append(found)
        print(", ".join(f"{name} {value}" for name, value in found.items()))
        if found["grew_mib"] > MOST_GROWN_MIB:
            raise SystemExit(f"the process grew by more than {MOST_GROWN_MIB} MiB")
    results.append(asyncio.run(on_a_stack(ON_A_STACK)))
    print(", ".join(f"{name} {value}" for name, value in results[-1].items()))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
