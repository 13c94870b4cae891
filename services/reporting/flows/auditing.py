"""The audit log: written in the transaction of the change, checked as a chain."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from libs import context, ids, telemetry
from libs.db import Conn
from services.reporting.deps import Deps
from services.reporting.rules import audit as rules
from services.reporting.rules.audit import AuditRecord
from services.reporting.store import audit as store
from services.reporting.store.audit import AUDIT

BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Checked:
    records: int
    first_broken: int | None


async def record(
    tx: Conn,
    action: str,
    subject_id: str,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    now: datetime,
) -> None:
    merchant_id = context.merchant_id()
    last = await store.last(tx, merchant_id)
    made = AuditRecord(
        merchant_id=merchant_id,
        number=last.number + 1 if last else 1,
        id=ids.new("aud"),
        action=action,
        subject_id=subject_id,
        actor=context.current().actor,
        before=_written(before),
        after=_written(after),
        trace_id=telemetry.trace_id(),
        previous_hash=last.hash if last else rules.FIRST_HASH,
        hash="",
        created_at=now,
    )
    await AUDIT.add(tx, replace(made, hash=rules.hash_of(made)))


def _written(changed: Mapping[str, Any]) -> str:
    return json.dumps(changed, sort_keys=True, ensure_ascii=False)


async def check(deps: Deps) -> Checked:
    merchant_id, number, hash_before = context.merchant_id(), 0, rules.FIRST_HASH
    async with deps.db.snapshot() as conn:
        while records := await store.following(conn, merchant_id, number, BATCH):
            broken = rules.first_broken(records, number, hash_before)
            if broken is not None:
                return Checked(records[-1].number, broken)
            number, hash_before = records[-1].number, records[-1].hash
    return Checked(number, None)
