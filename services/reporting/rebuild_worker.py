"""Jobs run by an operator: `python -m services.reporting check` and `… rebuild` compare the ledger
with the event log; `… recount` recounts KPIs from it.

They print one JSON object per line, for `incasso ledger`: their progress, and finally the result.
"""

import argparse
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from libs import db, outbox, settings
from libs.bus import Event
from libs.db import Database
from libs.errors import ServiceUnavailable
from services.reporting import fact_events, kpi_events, zone_events
from services.reporting.config import RebuildConfig, RecountConfig
from services.reporting.flows import ingesting, kpi_facts
from services.reporting.flows.rebuilding import Rebuild
from services.reporting.rules.facts import BookableEvent
from services.reporting.rules.rebuilding import Compared, DifferenceKind
from services.reporting.store import kpi_facts as kpi_store
from services.reporting.store import own_facts
from services.reporting.store import rebuilding as store

LEDGER_SUBJECTS: Final = (*zone_events.SUBJECTS, *fact_events.SUBJECTS)
COUNTED: Final = (*zone_events.SUBJECTS, *kpi_events.SUBJECTS)
BATCH: Final = 2000
PATIENCE_SECONDS: Final = 60.0
SAME, DIFFERENT, BUSY, NO_ANSWER = 0, 1, 2, 3

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class EventLog:
    """The event log of one service, in its database."""

    service: str
    db: Database
    say: Say
    consumed: Sequence[str] = LEDGER_SUBJECTS

    @property
    def subjects(self) -> Sequence[str]:
        prefix = f"incasso.{self.service}."
        return [subject for subject in self.consumed if subject.startswith(prefix)]

    async def read(self, since: datetime | None) -> AsyncIterator[Sequence[Event]]:
        """Reads one snapshot: events committed later are ordered after what was read."""
        async with self.db.snapshot() as conn:
            place, count = 0, 0
            of = 0 if since else await outbox.count_logged(conn, self.subjects)
            while True:
                events, place = await outbox.logged(
                    conn, self.subjects, after=place, since=since, limit=BATCH
                )
                if not events:
                    return
                yield events
                count += len(events)
                if since is None:
                    self.say({"reading": self.service, "events": count, "of": of})


@dataclass(frozen=True, slots=True)
class OwnLog:
    """Reporting's own facts: lines of PSPs and banks, and clearings of reconciliation."""

    db: Database
    say: Say

    async def read(self, since: datetime | None) -> AsyncIterator[Sequence[BookableEvent]]:
        async with self.db.snapshot() as conn:
            count = 0
            async for bookable in own_facts.every(conn, BATCH, since=since):
                yield bookable
                count += len(bookable)
                if since is None:
                    self.say({"reading": "lines", "events": count})


async def check(arguments: Sequence[str]) -> int:
    return await _answered("check", arguments)


async def rebuild(arguments: Sequence[str]) -> int:
    return await _answered("rebuild", arguments)


async def recount(arguments: Sequence[str]) -> int:
    """Counts events that are lost, or older than KPIs. Facts already counted stay unchanged, so the
    service keeps running and a killed run can be repeated; `--anew` first deletes them.
    """
    return await _answered("recount", arguments)


async def _answered(job: str, arguments: Sequence[str]) -> int:
    try:
        return await (_recount(arguments) if job == "recount" else _run(job, arguments))
    except (ServiceUnavailable, OSError) as error:
        sys.stderr.write(
            f"A database gave no answer, or merchants does not know a merchant: {error}\n"
        )
        return NO_ANSWER


async def _run(job: str, arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m services.reporting {job}")
    parser.add_argument("--patience", type=float, default=PATIENCE_SECONDS)
    parser.add_argument("--drop-unknown", action="store_true")
    options = parser.parse_args(arguments)
    config = settings.load(RebuildConfig)
    async with AsyncExitStack() as stack:
        opened = partial(_opened, stack, job=job)
        ledger = await opened(config.database_url)
        keeper = await stack.enter_async_context(ledger.connection())
        if not await store.alone(keeper):
            _say({"busy": True})
            return BUSY
        logs = [EventLog(name, await opened(url), _say) for name, url in _sources(config).items()]
        own = OwnLog(ledger, _say)
        work = Rebuild(ledger, [log.read for log in logs], own.read)
        begun = await work.build()
        _say({"comparing": True})
        found = await work.compare(begun, patience_seconds=options.patience)
        if job == "check":
            await work.end()
            return _checked(found)
        return await _replaced(work, begun, found, drop_unknown=options.drop_unknown)


async def _opened(stack: AsyncExitStack, url: str, job: str) -> Database:
    database = await db.connect(
        url, pool_size=3, service=f"reporting-{job}", statement_seconds=None
    )
    stack.push_async_callback(database.close)
    return database


async def _recount(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.reporting recount")
    parser.add_argument("--anew", action="store_true")
    anew = parser.parse_args(arguments).anew
    config, count = settings.load(RecountConfig), 0
    async with AsyncExitStack() as stack:
        own = await _opened(stack, config.database_url, "recount")
        if anew:
            await own.run(kpi_store.empty)
        for name in dict.fromkeys(subject.split(".")[1] for subject in COUNTED):
            database = await _opened(stack, getattr(config, f"{name}_database_url"), "recount")
            async for events in EventLog(name, database, _say, COUNTED).read(None):
                async with own.transaction() as tx:
                    await ingesting.note_zones(tx, events)
                    await kpi_facts.keep(tx, events, ingesting.no_zone)
                count += len(events)
    _say({"result": {"events": count}})
    return SAME


def _sources(config: RebuildConfig) -> dict[str, str]:
    """The databases, by service, of all services whose events move money; merchants comes first
    because it sets the zones.
    """
    names = dict.fromkeys(subject.split(".")[1] for subject in LEDGER_SUBJECTS)
    own = {"reporting": config.database_url}
    return {name: own.get(name) or getattr(config, f"{name}_database_url") for name in names}


def _checked(found: Compared) -> int:
    _say({"result": _result(found)})
    return SAME if found.same else DIFFERENT


async def _replaced(work: Rebuild, begun: datetime, found: Compared, *, drop_unknown: bool) -> int:
    """Keeps the ledger if it has entries without an event in these logs, unless `drop_unknown`."""
    if found.count(DifferenceKind.UNKNOWN) and not drop_unknown:
        await work.end()
        _say({"result": {**_result(found), "replaced": False}})
        return DIFFERENT
    _say({"replacing": True})
    entries = await work.replace(begun)
    _say({"result": {**_result(found), "entries": entries, "replaced": True}})
    return SAME


def _result(found: Compared) -> dict[str, Any]:
    first = [asdict(one) for one in found.first]
    return {"entries": found.entries, "differences": dict(found.counts), "first": first}


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else str(value)
