"""Report files are complete and created once, whichever worker writes them and whichever dies meanwhile."""

import csv
import io
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from libs import context, retention
from libs.db import Database
from libs.due import DueRow
from libs.errors import RemoteRefusal
from libs.tables.model import Format
from services.reporting import worker
from services.reporting.flows import report_runs
from services.reporting.retention import KEPT
from services.reporting.rules.report_runs import MOST_ATTEMPTS, MOST_PENDING
from tests.kit.mortal import KilledError, Mortal
from tests.services.reporting.reconciling import SOON
from tests.services.reporting.shop import APRIL, sell, table


@pytest.fixture
def shop(world):
    world.now = SOON
    return world


async def ordered(shop, form: Format = Format.CSV, report: str = "journal", **more: Any) -> Any:
    answer = await shop.call(
        "CreateReportRun", report=report, format=f"REPORT_FORMAT_{form.name}", **{**APRIL, **more}
    )
    return answer.run


async def shown(shop, run: Any) -> Any:
    return (await shop.call("GetReportRun", run_id=run.id)).run


async def file_of(shop, run: Any) -> bytes:
    found = await shop.download(run_id=run.id)
    return b"".join([piece async for piece in found.pieces])


async def refused(work: Any) -> str:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value.reason


async def published(shop) -> int:
    """Number of published report.finished events."""
    async with shop.deps.db.connection() as conn:
        return await conn.fetchval(
            "SELECT count(*) FROM outbox WHERE merchant_id = $1"
            " AND subject = 'incasso.reporting.report.finished'",
            shop.merchant_id,
        )


async def claimed(shop, run: Any) -> DueRow:
    """Claims the run for a worker; a silent worker's lease counts as expired."""
    async with shop.deps.db.connection() as conn:
        await conn.execute(
            "UPDATE report_runs SET state = 'running', attempts = attempts + 1"
            " WHERE merchant_id = $1 AND id = $2 AND due_at IS NOT NULL",
            shop.merchant_id,
            run.id,
        )
    context.act_for("reporting", shop.merchant_id, 0)
    return DueRow(shop.merchant_id, run.id)


async def make(shop) -> None:
    while await worker.report_worker(shop.deps).run_once():
        pass


async def test_a_file_has_the_rows_of_its_report_in_each_format(shop):
    from pyarrow import parquet

    await sell(shop)
    runs = {form: await ordered(shop, form, "daily_sales") for form in Format}
    assert (await shown(shop, runs[Format.CSV])).state == 1  # queued
    await make(shop)
    rows = await table(shop, "daily_sales", **APRIL)
    text = (await file_of(shop, runs[Format.CSV])).decode()
    assert list(csv.DictReader(io.StringIO(text))) == rows
    book = openpyxl.load_workbook(io.BytesIO(await file_of(shop, runs[Format.XLSX])))
    cells = list(book.active.values)
    assert [cell[5] for cell in cells[1:]] == [float(row["gross"]) for row in rows]
    sheet = parquet.read_table(io.BytesIO(await file_of(shop, runs[Format.PARQUET])))
    assert [f"{value:.2f}" for value in sheet["gross"].to_pylist()] == [
        row["gross"] for row in rows
    ]
    done = await shown(shop, runs[Format.CSV])
    assert (done.state, done.rows, done.size_bytes) == (3, len(rows), len(text.encode()))
    assert await published(shop) == 3


async def test_a_repeated_request_returns_the_same_run(shop):
    asked = {"report": "trial_balance", "format": "REPORT_FORMAT_CSV"}
    one = await shop.call("CreateReportRun", key="monthly", **asked)
    again = await shop.call("CreateReportRun", key="monthly", **asked)
    assert one.run.id == again.run.id


@pytest.mark.parametrize("statements", range(5))
async def test_a_killed_workers_run_is_resumed_and_its_file_is_complete(shop, statements):
    await sell(shop)
    run = await ordered(shop)
    dying = replace(shop.deps, db=Mortal(shop.deps.db, statements))
    due = await claimed(shop, run)
    with suppress(KilledError):
        await report_runs.work(dying, due)
    died = (await shown(shop, run)).state == 2
    assert died == (statements < 4)
    await report_runs.work(shop.deps, await claimed(shop, run))
    done = await shown(shop, run)
    rows = await table(shop, "journal", **APRIL)
    assert (done.state, done.rows, await published(shop)) == (3, len(rows), 1)
    assert (await file_of(shop, run)).count(b"\r\n") == len(rows) + 1


class Overtaken(Database):
    """The database of a worker that was silent for too long: another takes over before it ends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def connection(self) -> Any:
        return self._database.connection()

    @asynccontextmanager
    async def transaction(self) -> Any:
        async with self._database.transaction() as conn:
            await conn.execute("UPDATE report_runs SET attempts = attempts + 1")
            yield conn


async def test_a_silent_workers_late_file_is_discarded(shop):
    await sell(shop)
    run = await ordered(shop)
    late = replace(shop.deps, db=Overtaken(shop.deps.db))
    await report_runs.work(late, await claimed(shop, run))
    assert (await shown(shop, run)).state == 2
    assert (await refused(file_of(shop, run)), await published(shop)) == ("report_not_ready", 0)


async def test_a_run_is_given_up_after_too_many_attempts(shop):
    run = await ordered(shop)
    for _ in range(MOST_ATTEMPTS + 1):
        due = await claimed(shop, run)
    await report_runs.work(shop.deps, due)
    failed = await shown(shop, run)
    assert (failed.state, failed.failed_reason) == (4, "given_up")
    assert await published(shop) == 1


async def test_the_number_of_a_merchants_pending_runs_is_limited(shop):
    for _ in range(MOST_PENDING):
        await ordered(shop)
    assert await refused(ordered(shop)) == "report_runs_pending"


async def test_an_old_file_is_deleted_and_its_run_is_expired(shop):
    run = await ordered(shop, report="trial_balance", booked_from=None)
    await make(shop)
    async with shop.deps.db.connection() as conn:
        for name in ("report_runs", "report_pieces"):
            await conn.execute(
                f"UPDATE {name} SET created_at = now() - $2::interval WHERE merchant_id = $1",
                shop.merchant_id,
                timedelta(days=31),
            )
    await retention.keep_to(shop.deps.db, KEPT.rules)
    assert (await shown(shop, run)).state == 5
    assert await refused(file_of(shop, run)) == "report_file_expired"


async def test_another_merchants_run_is_not_found(shop):
    run = await ordered(shop)
    shop.merchant_id = "mer_other"
    assert await refused(shown(shop, run)) == "report_run_not_found"
    assert await refused(file_of(shop, run)) == "report_run_not_found"
