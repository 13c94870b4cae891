"""The console's audit log: what a member is about to do, and how it ended."""

from dataclasses import dataclass, replace
from typing import Final

from libs import context, idempotency, ids, telemetry
from libs.audit import Checked, Log
from libs.db import Conn
from libs.errors import invalid, required
from libs.idempotency import Key
from services.merchants.deps import Deps
from services.merchants.errors import AuditEntryNotFound, OutcomeRecorded
from services.merchants.rules import audit as rules
from services.merchants.rules.audit import AuditRecord, Outcome, RecordKind
from services.merchants.store import audit as store

_LOG: Final = Log(store.RECORDS)


@dataclass(frozen=True, slots=True)
class RecordIntent:
    action: str
    subject_id: str
    before: str
    after: str
    session_id: str
    address: str


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    entry_id: str
    outcome: Outcome
    reason: str | None
    subject_id: str | None
    after: str | None


async def record_intent(deps: Deps, cmd: RecordIntent, key: Key) -> str:
    """The entry's id. A form that is sent again is the same intent, even if its subject has changed
    since, as after a change whose answer was lost.
    """
    key = replace(key, request_hash=rules.asked_hash(cmd.action, cmd.subject_id, cmd.after))
    before, after = rules.recordable("before", cmd.before), rules.recordable("after", cmd.after)
    merchant_id, actor = context.merchant_id(), context.current().actor

    async def add(tx: Conn, entry_id: str) -> None:
        def made(number: int, previous_hash: str) -> AuditRecord:
            return AuditRecord(
                merchant_id=merchant_id,
                number=number,
                id=entry_id,
                kind=RecordKind.INTENT,
                intent_id=None,
                action=cmd.action,
                subject_id=cmd.subject_id,
                actor=actor,
                session_id=cmd.session_id,
                address=cmd.address,
                before=before,
                after=after,
                outcome=None,
                reason=None,
                trace_id=telemetry.trace_id(),
                previous_hash=previous_hash,
                created_at=deps.now(),
            )

        await _LOG.add(tx, merchant_id, made)

    return (await idempotency.once(deps.db, key, ids.new("aud"), add)).resource_id


async def record_outcome(deps: Deps, cmd: RecordOutcome) -> None:
    """A repeat changes nothing. Raises AuditEntryNotFound, and OutcomeRecorded if there is another
    outcome.
    """
    if cmd.outcome is Outcome.UNKNOWN:
        raise invalid("outcome", "must be done or refused")
    after, merchant_id = rules.recordable("after", cmd.after or ""), context.merchant_id()
    async with deps.db.transaction() as tx:
        await _LOG.lock(tx, merchant_id)
        intent = required(
            await store.find_intent(tx, merchant_id, cmd.entry_id), AuditEntryNotFound
        )
        recorded = await store.find_outcome(tx, merchant_id, cmd.entry_id)
        if recorded is not None:
            if recorded.outcome is not cmd.outcome:
                raise OutcomeRecorded
            return

        def made(number: int, previous_hash: str) -> AuditRecord:
            return rules.ending(
                intent,
                number=number,
                previous_hash=previous_hash,
                record_id=ids.new("aud"),
                outcome=cmd.outcome,
                reason=cmd.reason,
                subject_id=cmd.subject_id,
                after=after,
                trace_id=telemetry.trace_id(),
                now=deps.now(),
            )

        await _LOG.add(tx, merchant_id, made)


async def check(deps: Deps) -> Checked:
    return await _LOG.check(deps.db, context.merchant_id())
