"""Retention: rules as data, and the worker that applies them.

Each service states in its retention.py what its tables hold (`Table`: which columns are personal or
secret, and when they are cleared) and which rows expire (`Rule`). Those for the tables common to all
services are here. The worker delays nobody: it takes a few rows at a time, skips locked ones,
and any number of replicas may run it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import asyncpg
from prometheus_client import Counter

from libs import idempotency, ids
from libs.bus import KEPT as KEPT_BY_NATS
from libs.db import Conn, Database
from libs.errors import ServiceUnavailable
from libs.logs import log

BATCH: Final = 1000
PAUSE_SECONDS: Final = 3600.0
# Longer than NATS may redeliver an event, and than `incasso events replay` reaches back.
INBOX: Final = KEPT_BY_NATS + timedelta(days=76)
REPLAY: Final = INBOX - KEPT_BY_NATS

FORGOTTEN: Final = Counter(
    "incasso_rows_forgotten_total", "Rows deleted or cleared by retention rules", ["table"]
)

# When personal data, or a secret, is cleared.
ERASED: Final = "when the customer is erased"
WITH_ROW: Final = "with its row"
BY_RULE: Final = "by its rule"  # of the same table, below


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows whose `at` is older than `after` are deleted, or lose what `clear` names (column → SQL).

    `at` has an index; if not, `by_event` is a column of event ids, which are as old as their row.
    `key`: for a partitioned table, the columns of its primary key, since a `ctid` is unique only in
    one partition.
    """

    table: str
    at: str
    after: timedelta
    why: str
    where: str = "true"
    clear: Mapping[str, str] = field(default_factory=dict)
    by_event: str = ""
    key: str = "ctid"


@dataclass(frozen=True, slots=True)
class Table:
    """What a table is for, and for each column of text, JSON or bytes whether it is personal,
    secret or neither. `personal` and `secret` say when it is cleared.
    """

    holds: str
    plain: str  # names separated by spaces
    personal: Mapping[str, str] = field(default_factory=dict)
    secret: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """What one service keeps."""

    tables: Mapping[str, Table]
    rules: Sequence[Rule] = ()


NOTHING: Final = Kept({})


def chassis(service: str) -> Kept:
    """The tables that every service has."""
    return Kept(
        {
            "idempotency_keys": Table(
                "the answer to each key",
                plain="merchant_id method key request_hash resource_id",
                personal={"answer": f"{ERASED}, else {WITH_ROW}"},
            ),
            "outbox": Table(
                "the log of events, from which the ledger can be rebuilt: rows are kept",
                plain="event_id merchant_id aggregate_id subject route traceparent error",
                personal={"body": ERASED},
            ),
            "inbox": Table("handled events", plain="consumer event_id"),
            "test_clocks": Table("clocks of test merchants", plain="merchant_id"),
            "schema_migrations": Table("applied migrations", plain="component name"),
        },
        (
            Rule(
                "idempotency_keys",
                "created_at",
                idempotency.KEPT,
                "a retry gets the same answer for this long",
            ),
            Rule(
                "inbox",
                "received_at",
                INBOX,
                "NATS keeps events for 14 days, replays go back 76",
                where=f"consumer = '{service}'",
                by_event="event_id",
            ),
        ),
    )


def together(service: str, own: Kept) -> Kept:
    """The chassis' tables and the service's own."""
    common = chassis(service)
    return Kept({**common.tables, **own.tables}, (*common.rules, *own.rules))


def sql_of(rule: Rule) -> str:
    """$1 is the age, $2 the number of rows, $3 the first id of a younger row."""
    old = f"{rule.at} < now() - $1::interval AND {rule.where}"
    old += f" AND {rule.by_event} < $3" if rule.by_event else ""
    change = f"DELETE FROM {rule.table}"  # noqa: S608 - made of constants
    if rule.clear:
        values = ", ".join(f"{column} = {value}" for column, value in rule.clear.items())
        change = f"UPDATE {rule.table} SET {values}"  # noqa: S608 - made of constants
    found = f"SELECT {rule.key} FROM {rule.table} WHERE {old} LIMIT $2 FOR UPDATE SKIP LOCKED"  # noqa: S608 - made of constants
    if rule.key == "ctid":
        return f"{change} WHERE ctid = ANY (ARRAY({found}))"
    return f"{change} WHERE ({rule.key}) IN ({found})"


async def keep_to(db: Database, rules: Sequence[Rule], *, batch: int = BATCH) -> int:
    """Applies the rules to everything old, in order; returns the number of rows. Raises
    ServiceUnavailable.
    """
    forgotten = 0
    for rule in rules:
        taken = batch
        while taken >= batch:
            async with db.transaction() as conn:
                taken = await _take(conn, rule, batch)
            FORGOTTEN.labels(rule.table).inc(taken)
            forgotten += taken
    return forgotten


async def _take(conn: Conn, rule: Rule, batch: int) -> int:
    first_id = (ids.earliest("evt", ago=rule.after),) if rule.by_event else ()
    return await conn.execute(sql_of(rule), rule.after, batch, *first_id)


async def run(db: Database, rules: Sequence[Rule]) -> None:
    """Applies the rules until cancelled."""
    while True:
        try:
            if count := await keep_to(db, rules):
                log.info("old data deleted", count=count)
        except (ServiceUnavailable, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("deleting old data failed", error=repr(error))
        await asyncio.sleep(PAUSE_SECONDS)
