"""What a list costs as a file: rows per second, and by how much the process grows.

Payments, as the gateway makes rows of a page's messages and writes them; what their service takes to
read the pages is measured by `make bench-growth`. `make bench-exports`; the results are in
`bench/results/exports.json`.
"""

import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.memory import MEBI, grown, settle
from incasso.common.v1.money_pb2 import Money
from incasso.payments.v1.payments_pb2 import Payment
from libs import lag
from libs.tables.model import Format, Row, Table
from libs.tables.writing import write
from services.gateway.config import Config
from services.gateway.rules import columns

PAGE: Final = 100
FEW: Final = 100_000  # of which memory is compared with that of the most
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
    """In this process, which has done nothing before."""
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


def main() -> None:
    spawn, results = multiprocessing.get_context("spawn"), []
    for form, rows in RUNS:
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            found = alone.submit(measured, form, rows).result()
        results.append(found)
        print(", ".join(f"{name} {value}" for name, value in found.items()))
        if found["grew_mib"] > MOST_GROWN_MIB:
            raise SystemExit(f"the process grew by more than {MOST_GROWN_MIB} MiB")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
