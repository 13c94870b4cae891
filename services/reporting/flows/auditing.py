"""The audit log: written in the same transaction as the change, checked as a hash chain (libs/audit)."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from libs import context, ids, telemetry
from libs.audit import Checked, Log
from libs.db import Conn
from services.reporting.deps import Deps
from services.reporting.rules.audit import AuditRecord
from services.reporting.store.audit import AUDIT

_LOG: Final = Log(AUDIT)


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

    def made(number: int, previous_hash: str) -> AuditRecord:
        return AuditRecord(
            merchant_id=merchant_id,
            number=number,
            id=ids.new("aud"),
            action=action,
            subject_id=subject_id,
            actor=context.current().actor,
            before=_written(before),
            after=_written(after),
            trace_id=telemetry.trace_id(),
            previous_hash=previous_hash,
            created_at=now,
        )

    await _LOG.add(tx, merchant_id, made)


def _written(changed: Mapping[str, Any]) -> str:
    return json.dumps(changed, sort_keys=True, ensure_ascii=False)


async def check(deps: Deps) -> Checked:
    return await _LOG.check(deps.db, context.merchant_id())
