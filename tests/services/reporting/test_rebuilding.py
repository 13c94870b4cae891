"""The ledger is compared with the event log and rebuilt from it; a killed job can be started again."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs import db, ids
from libs.bus import Event
from libs.db import Database
from services.reporting.flows.rebuilding import Rebuild
from services.reporting.rebuild_worker import LEDGER_SUBJECTS, EventLog, OwnLog
from services.reporting.rules.rebuilding import Compared, DifferenceKind
from services.reporting.store import rebuilding as store
from tests.cli.conftest import Command
from tests.services.reporting.ledger_events import BEGUN, EVENTS, dump, event_of, log, of
from tests.services.reporting.test_any_order import book
from tests.services.reporting.world import captured, payment
from tests.waiting import HANGING_SECONDS, until

pytestmark = pytest.mark.asyncio(loop_scope="session")
SERVICES = list(dict.fromkeys(subject.split(".")[1] for subject in LEDGER_SUBJECTS))


@dataclass
class Installation:
    """A ledger, and one database with the event log of all services."""

    ledger: Database
    log: Database
    urls: dict[str, str]

    @property
    def work(self) -> Rebuild:
        def say(line: object) -> None:
            json.dumps(line)

        logs = [EventLog(name, self.log, say).read for name in SERVICES]
        return Rebuild(self.ledger, logs, OwnLog(self.ledger, say).read)

    async def publish(self, events: Sequence[Event]) -> None:
        async with self.log.transaction() as tx:
            await log(tx, events)

    async def check(self, *, patience_seconds: float = 0) -> Compared:
        begun = await self.work.build()
        return await self.work.compare(begun, patience_seconds=patience_seconds)

    async def rebuild(self) -> int:
        return await self.work.replace(await self.work.build())

    async def change(self, sql: str) -> None:
        """Changes the ledger behind its triggers' back."""
        async with self.ledger.transaction() as tx:
            await tx.execute("SET LOCAL session_replication_role = replica")  # without triggers
            await tx.execute(sql)

    async def close_month(self, merchant_id: str, month: date) -> None:
        async with self.ledger.connection() as conn:
            await conn.execute(
                "INSERT INTO periods VALUES ($1, $2, now(), 'test')", merchant_id, month
            )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def opened(new_module_database) -> AsyncIterator[Installation]:
    ledger_url, log_url = new_module_database("reporting"), new_module_database("libs")
    ledger = await db.connect(ledger_url, pool_size=4, service="reporting")
    logs = await db.connect(log_url, pool_size=4, service="reporting")
    urls = {f"INCASSO_{name.upper()}_DATABASE_URL": log_url for name in SERVICES}
    yield Installation(ledger, logs, {**urls, "INCASSO_DATABASE_URL": ledger_url})
    await ledger.close()
    await logs.close()


async def emptied(found: Installation) -> Installation:
    async with found.ledger.connection() as conn:
        await conn.execute("TRUNCATE entries, postings, balances, late_entries, periods")
    async with found.log.connection() as conn:
        await conn.execute("TRUNCATE outbox")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def installation(opened: Installation) -> Installation:
    return await emptied(opened)


def payments(count: int, merchant_id: str = "") -> Sequence[Event]:
    captures = [event_of(captured(payment(100 + n)), BEGUN) for n in range(count)]
    return of(merchant_id or ids.new("mer"), captures)


async def booked(installation: Installation, count: int = 3) -> Sequence[Event]:
    events = payments(count)
    await installation.publish(events)
    await book(installation.ledger, events)
    return events


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(EVENTS, min_size=2, max_size=25), st.data())
async def test_what_is_built_anew_is_the_ledger_to_the_byte_also_across_closed_months(
    opened, told, data
):
    installation, merchant_id = await emptied(opened), ids.new("mer")
    events = of(merchant_id, told)
    at = data.draw(st.integers(1, len(events) - 1))
    await installation.publish(data.draw(st.permutations(events)))
    await book(installation.ledger, events[:at])
    await installation.close_month(merchant_id, date(2026, data.draw(st.integers(9, 11)), 1))
    await book(installation.ledger, events[at:])
    ledger = await dump(installation.ledger, merchant_id)
    assert (await installation.check()).counts == {}
    await installation.rebuild()
    assert await dump(installation.ledger, merchant_id) == ledger


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE entries SET currency = 'USD'", {"differs entries": 3}),
        ("UPDATE postings SET amount_minor = amount_minor + 1 WHERE amount_minor = 100",
         {"differs postings": 1, "differs balances": 2}),
        ("DELETE FROM postings WHERE amount_minor = 101",
         {"missing postings": 1, "differs balances": 2}),
        ("UPDATE balances SET credit_minor = 0 WHERE account = 'sales'", {"differs balances": 1}),
    ],
)  # fmt: skip
async def test_a_tampered_row_is_found_and_rebuilt(installation, change, found):
    (event, *_) = await booked(installation)
    ledger = await dump(installation.ledger, event.merchant_id)
    await installation.change(change)
    assert (await installation.check()).counts == found
    await installation.rebuild()
    assert await dump(installation.ledger, event.merchant_id) == ledger
    assert (await installation.check()).same


async def test_an_unbooked_event_is_missing_unless_booked_within_the_patience(installation):
    events = await booked(installation)
    lost = payments(1, events[0].merchant_id)
    await installation.publish(lost)
    found = await installation.check()
    assert found.counts == {"missing entries": 1}
    assert (found.first[0].key, found.first[0].live) == (lost[0].event_id, None)
    checking = asyncio.create_task(installation.check(patience_seconds=HANGING_SECONDS))
    await book(installation.ledger, lost)
    assert (await checking).same


async def test_an_entry_without_an_event_is_unknown_unless_booked_during_the_check(installation):
    await booked(installation)
    begun = await installation.work.build()
    await book(installation.ledger, payments(1))
    assert (await installation.work.compare(begun, patience_seconds=0)).same
    found = await installation.check()
    assert found.count(DifferenceKind.UNKNOWN) == 1
    assert found.first[0].rebuilt is None


async def test_truncated_books_are_rebuilt_with_their_late_entries(installation):
    merchant_id = ids.new("mer")
    early, late = payments(1, merchant_id), payments(1, merchant_id)
    await installation.publish([*early, *late])
    await book(installation.ledger, early)
    await installation.close_month(merchant_id, date(2026, 9, 1))
    await book(installation.ledger, late)
    ledger = await dump(installation.ledger, merchant_id)
    await installation.change("TRUNCATE entries, postings, balances")
    await installation.rebuild()
    assert await dump(installation.ledger, merchant_id) == ledger


async def test_an_unbooked_event_of_a_closed_month_is_rebuilt_in_the_open_month(installation):
    merchant_id = ids.new("mer")
    early, lost = payments(1, merchant_id), payments(1, merchant_id)
    await installation.publish([*early, *lost])
    await book(installation.ledger, early)
    await installation.close_month(merchant_id, date(2026, 9, 1))
    await installation.rebuild()
    ledger = await dump(installation.ledger, merchant_id)
    assert '"booked_on": "2026-10-01"' in ledger
    await book(installation.ledger, lost)
    assert await dump(installation.ledger, merchant_id) == ledger
    assert (await installation.check()).same


BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'reporting-rebuild' AND wait_event_type = 'Lock'"""


@pytest.mark.parametrize(
    "held",
    [
        "LOCK TABLE balances IN ACCESS SHARE MODE",  # stops after building, before replacing
        "SELECT pg_advisory_xact_lock(hashtext('reporting partitions'))",  # stops after emptying
    ],
)
async def test_a_killed_rebuild_leaves_the_ledger_untouched_and_can_be_restarted(
    installation, held
):
    (event, *_) = await booked(installation)
    await installation.change("UPDATE entries SET kind = 'x'")
    ledger = await dump(installation.ledger, event.merchant_id)
    ours = installation.ledger
    async with ours.connection() as watching, ours.transaction() as holding:
        await holding.execute(held)
        job = await started(installation, "services.reporting", "rebuild")
        await until(partial(watching.fetchval, BLOCKED))
        job.kill()
        await job.wait()
    assert await dump(installation.ledger, event.merchant_id) == ledger
    code, out, _ = await run(installation, "rebuild", "--json")
    assert (code, json.loads(out)["differences"]) == (0, {"differs entries": 3})
    assert (await installation.check()).same


async def started(installation: Installation, *command: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *command,
        env={**os.environ, **installation.urls},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(installation: Installation, *arguments: str) -> tuple[int, str, str]:
    """Runs the operators' command, whose job is a separate process."""
    done = await Command(installation.urls)("ledger", *arguments)
    return done.exit_code, done.stdout, done.stderr


async def test_the_command_reports_differences_and_rebuilds(installation):
    (event, *_) = await booked(installation)
    code, out, _ = await run(installation, "check")
    assert (code, out.strip()) == (0, "3 entries, all as in the events.")
    await installation.change("UPDATE entries SET kind = 'x' WHERE kind <> 'x'")
    code, out, err = await run(installation, "check", "--patience", "0")
    assert (code, "kind x" in out, event.merchant_id in out) == (1, True, True)
    assert "rebuild" in err
    code, out, _ = await run(installation, "rebuild", "--json", "--patience", "0")
    answer = json.loads(out)
    assert (code, answer["replaced"], answer["differences"]) == (0, True, {"differs entries": 3})
    assert (await installation.check()).same


async def test_entries_unknown_to_the_logs_are_dropped_only_with_drop_unknown(installation):
    stranger = payments(1)
    await book(installation.ledger, stranger)
    code, _, err = await run(installation, "rebuild", "--patience", "0")
    assert (code, "--drop-unknown" in err) == (1, True)
    assert await dump(installation.ledger, stranger[0].merchant_id)
    code, _, _ = await run(installation, "rebuild", "--patience", "0", "--drop-unknown")
    assert (code, await dump(installation.ledger, stranger[0].merchant_id)) == (0, "")


async def test_a_check_is_refused_while_another_job_runs(installation):
    async with installation.ledger.connection() as conn:
        assert await store.alone(conn)
        code, _, err = await run(installation, "check")
        await conn.execute("SELECT pg_advisory_unlock_all()")
    assert (code, "Another check" in err) == (1, True)


async def test_a_missing_event_log_url_is_named(installation):
    urls = {**installation.urls, "INCASSO_COD_DATABASE_URL": ""}
    urls.pop("INCASSO_COD_DATABASE_URL")
    process = await started(replace(installation, urls=urls), "cli", "ledger", "check")
    _, err = await process.communicate()
    assert (process.returncode, b"INCASSO_COD_DATABASE_URL" in err) == (78, True)
