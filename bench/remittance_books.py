"""What it costs to upload and book a remittance of 50,000 lines, each for a delivered order.

Measured in a separate process, against a PostgreSQL with fsync on: elapsed and CPU seconds, how much memory the process
gains, and the longest stall of its event loop. Run by bench/remittances.py.
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any, Final

from bench.memory import MEBI, grown, settle
from libs import context, db, schema
from libs.clock import Clock
from services.cod.deps import Deps
from services.cod.flows import remitting
from services.cod.flows.remitting import UploadedFile
from services.sandbox.courier import lists
from services.sandbox.courier.dialects import DIALECTS
from services.sandbox.courier.remitting import Line

MERCHANT: Final = "mer_bench"
COURIER: Final = "cou_bench"
CUT_MINOR: Final = 300
LOOK_SECONDS: Final = 0.005
_COURIER: Final = """
INSERT INTO couriers (merchant_id, id, state, name, currency, cut, modes, manifest_amounts, zones, remittance_days,
    country, attempts, storage_days, remittance_columns, metadata, created_at)
VALUES ($1, $2, 'active', 'GLS', 'EUR', $3, '[{"mode": "cash", "code": "", "max_collect_minor": null}]', 'comma', '[]',
    15, 'IT', 2, 10, $4, '{}', now())"""
_ORDERS: Final = """
INSERT INTO orders (merchant_id, id, state, order_reference, amount_minor, currency, fee_minor, fee_net_minor,
    fee_vat_minor, deposit_minor, to_collect_minor, collected_minor, cut_minor, courier_id, mode, recipient_name,
    recipient_phone, address_country, locale, lines, categories, failed_methods, needs_confirmation, confirmed_minor,
    acknowledged_minor, attempts, changes, metadata, trace_id, created_at, dispatched_at, collected_at,
    remit_due_at)
SELECT $1, 'cod_' || n, 'collected', 'O-' || n, 5000 + n, 'EUR', 0, 0, 0, 0, 5000 + n, 5000 + n, $3, $2, 'cash',
    'Giulia Bianchi', '+393331234567', 'IT', 'it', '[]', '{}', '{}', false, 5000 + n, 5000 + n, 0, 0, '{}', '', now(), now(), now(),
    now() + interval '20 days'
FROM generate_series(0, $4::int - 1) AS n"""
_PARCELS: Final = """
INSERT INTO parcels (merchant_id, courier_id, tracking_number, order_id, position, state, to_collect_minor, collected_minor,
    collected_in, collected_at, last_event_at)
SELECT $1, $2, 'SBX' || lpad(n::text, 9, '0'), 'cod_' || n, 0, 'collected', 5000 + n, 5000 + n, 'cash', now(), now()
FROM generate_series(0, $3::int - 1) AS n"""
COLUMNS: Final = {
    "header_row": 1,
    "tracking_number": "Spedizione",
    "sender_reference": "Rif. mittente",
    "collected": "Contrassegno",
    "cut": "Commissione",
    "remitted": "Netto",
    "on": "Data",
    "state": None,
    "amounts": "comma",
    "days": "dmy",
    "words": [],
}


def file_of(dialect: str, lines: int) -> bytes:
    paid = [
        Line(f"SBX{n:09d}", f"O-{n}", "CONSEGNATO", 5000 + n, CUT_MINOR, 5000 + n - CUT_MINOR)
        for n in range(lines)
    ]
    return DIALECTS[dialect].write(lists.remittance(paid, date(2026, 11, 26)))


def measured(url: str, dialect: str, header_row: int, lines: int) -> dict[str, dict[str, float]]:
    """Measures in this process, which must be fresh."""
    return asyncio.run(_measured(url, file_of(dialect, lines), header_row, lines))


async def _measured(
    url: str, data: bytes, header_row: int, lines: int
) -> dict[str, dict[str, float]]:
    folder = Path(__file__).parent.parent / "services" / "cod" / "migrations"
    await schema.migrate(url, "cod", folder)
    database = await db.connect(url, pool_size=2, service="cod")
    try:
        async with database.transaction() as tx:
            cut = {
                "basis_points": 0,
                "fixed_minor": CUT_MINOR,
                "minimum_minor": 0,
                "maximum_minor": None,
            }
            columns = {**COLUMNS, "header_row": header_row}
            await tx.execute(_COURIER, MERCHANT, COURIER, cut, columns)
            await tx.execute(_ORDERS, MERCHANT, COURIER, CUT_MINOR, lines)
            await tx.execute(_PARCELS, MERCHANT, COURIER, lines)
        async with database.connection() as conn:
            await conn.execute("ANALYZE orders, parcels")
        unasked: dict[str, Any] = dict.fromkeys(each.name for each in fields(Deps))
        deps = Deps(**unasked | {"db": database, "clock": Clock()})
        context.set_current(context.Call(merchant_id=MERCHANT, actor="bench"))
        cmd = UploadedFile(
            courier_id=COURIER,
            file=base64.b64encode(data).decode(),
            name="rimesse",
            tolerance_minor=None,
        )
        found, upload = await _timed(lambda: remitting.upload_remittance(deps, cmd))
        booked, commit = await _timed(lambda: remitting.commit_remittance(deps, found.id))
        if dict(booked.results) != {"matched": lines}:
            raise RuntimeError(f"not all lines are booked: {booked.results}")
        return {"upload": upload, "commit": commit}
    finally:
        await database.close()


async def _timed(work: Callable[[], Awaitable[Any]]) -> tuple[Any, dict[str, float]]:
    before = settle()
    began, spent = time.monotonic(), time.process_time()
    async with _stalls() as stalled:
        answer = await work()
    return answer, {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(time.process_time() - spent, 1),
        "grew_mib": round((grown() - before) / MEBI),
        "loop_stood_still_ms": round(1000 * max(stalled, default=0)),
    }


@asynccontextmanager
async def _stalls() -> AsyncIterator[list[float]]:
    """How late the event loop woke up, each time."""
    late: list[float] = []

    async def sample() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
            late.append(time.monotonic() - began - LOOK_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield late
    finally:
        sampling.cancel()
