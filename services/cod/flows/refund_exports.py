"""Files for the bank: ready refunds go into one, and a person records the result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from google.protobuf.message import Message

from libs import context, idempotency, ids, outbox, telemetry, threads
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.cod import refund_events as events
from services.cod.deps import Deps
from services.cod.errors import (
    NoRefundsReady,
    RefundDebtorMissing,
    RefundExportNotFound,
    RefundFileForgotten,
    RefundNotInExport,
)
from services.cod.flows.offers import ZONE
from services.cod.flows.settings import default_settings
from services.cod.rules import refund_exports as rules
from services.cod.rules import refunds as refund_rules
from services.cod.rules import transfer_files
from services.cod.rules.orders import Order
from services.cod.rules.refund_accounts import RefundAccount
from services.cod.rules.refund_exports import RefundExport
from services.cod.rules.refunds import Refund, RefundState
from services.cod.rules.settings import DebtorAccount
from services.cod.store import refund_exports as store
from services.cod.store import refunds as refunds_store
from services.cod.store.refund_exports import EXPORTS
from services.cod.store.settings import SETTINGS


@dataclass(frozen=True, slots=True)
class CreateExport:
    """None: the next banking day, and the maximum number per file."""

    execution_on: date | None
    max_refunds: int | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Transfers that the bank has rejected or returned."""

    cod_refund_ids: tuple[str, ...]
    reason: str
    account_is_wrong: bool


@dataclass(frozen=True, slots=True)
class RefundFile:
    name: str
    xml: str


async def create_export(deps: Deps, cmd: CreateExport, key: Key) -> bytes:
    """Returns the CodRefundExport message, the same for the same key. Refunds, file and events are
    written together or not at all.
    """
    default = await default_settings(deps)

    async def create(tx: Conn, export_id: str) -> Message:
        merchant_id, now = context.merchant_id(), deps.clock.now()
        settings = await SETTINGS.get(tx, merchant_id, default)
        debtor = required(settings.refund_account, RefundDebtorMissing)
        on = rules.execution_day(cmd.execution_on, now.astimezone(ZONE).date())
        ready = await refunds_store.take_ready(tx, merchant_id, cmd.max_refunds or rules.MOST)
        if not ready:
            raise NoRefundsReady
        taken = [refund_rules.exported(refund, export_id) for refund in ready]
        export = RefundExport(
            merchant_id=merchant_id,
            id=export_id,
            refunds=len(taken),
            amount=rules.sum_of(taken),
            execution_on=on,
            trace_id=telemetry.trace_id(),
            created_by=context.current().actor,
            created_at=now,
            states={RefundState.EXPORTED.value: len(taken)},
        )
        orders = await store.orders_of(tx, merchant_id, taken)
        await EXPORTS.add(tx, export)
        file = await threads.run(_written, deps, debtor, export, taken, orders)
        await store.add_file(tx, export, file)
        await store.add_transfers(tx, export, taken)
        await refunds_store.save_all(tx, taken)
        new_events = [events.for_state(refund, now) for refund in taken]
        await outbox.append(tx, *new_events, *events.notifications(taken, orders, now))
        return events.export_pb(export)

    return (await idempotency.once(deps.db, key, ids.new("cre"), create)).body


def _written(
    deps: Deps,
    debtor: DebtorAccount,
    export: RefundExport,
    taken: Sequence[Refund],
    orders: Mapping[str, Order],
) -> str:
    """The file, sealed: it contains names and accounts."""
    transfers = [
        rules.transfer(refund, orders[refund.cod_order_id], _opened(deps, refund))
        for refund in taken
    ]
    xml = transfer_files.written(
        rules.message_id(export.id),
        rules.debtor(debtor),
        transfers,
        execution_on=export.execution_on,
        now=export.created_at,
    )
    return deps.seal.close(xml)


def _opened(deps: Deps, refund: Refund) -> RefundAccount:
    assert refund.account_sealed is not None  # see refunds_ready
    return RefundAccount(**json.loads(deps.seal.open(refund.account_sealed)))


async def get_file(deps: Deps, cod_refund_export_id: str) -> RefundFile:
    """Exactly the bytes written at the time."""
    async with deps.db.connection() as conn:
        export = await _export(conn, cod_refund_export_id)
        sealed = required(await store.file_of(conn, export), RefundFileForgotten)
    return RefundFile(f"{export.id}.xml", await threads.run(deps.seal.open, sealed))


async def mark_paid(
    deps: Deps, cod_refund_export_id: str, cod_refund_ids: tuple[str, ...]
) -> RefundExport:
    """Marks the given refunds as paid, or all that are exported."""
    async with deps.db.transaction() as tx:
        export, known = await _locked(tx, cod_refund_export_id)
        now = deps.clock.now()
        before = _named(known, cod_refund_ids) or rules.exported(known, export.id)
        after = [refund_rules.paid(refund, export.id, now) for refund in before]
        await _saved(tx, before, after, now)
        return await _export(tx, export.id)


async def mark_failed(deps: Deps, cod_refund_export_id: str, failure: Failure) -> RefundExport:
    """Marks refunds as failed: a person retries them, or they wait for another account."""
    async with deps.db.transaction() as tx:
        export, known = await _locked(tx, cod_refund_export_id)
        now = deps.clock.now()
        before = _named(known, failure.cod_refund_ids)
        after = [refund_rules.failed(refund, export.id, failure.reason) for refund in before]
        failed = await _saved(tx, before, after, now)
        if failure.account_is_wrong:
            waiting = [refund_rules.without_account(refund) for refund in failed]
            await _saved(tx, failed, waiting, now)
        return await _export(tx, export.id)


async def _export(conn: Conn, export_id: str) -> RefundExport:
    """Raises RefundExportNotFound."""
    found = await EXPORTS.get(conn, context.merchant_id(), export_id)
    return required(found, RefundExportNotFound)


async def _locked(tx: Conn, export_id: str) -> tuple[RefundExport, Mapping[str, Refund]]:
    """The file, with all refunds that were ever in it, by id. Raises RefundExportNotFound."""
    export = await _export(tx, export_id)
    found = await refunds_store.lock_of_export(tx, export.merchant_id, export.id)
    return export, {refund.id: refund for refund in found}


def _named(known: Mapping[str, Refund], refund_ids: Sequence[str]) -> Sequence[Refund]:
    """The named refunds, without duplicates. Raises RefundNotInExport."""
    for refund_id in refund_ids:
        if refund_id not in known:
            raise RefundNotInExport(facts={"cod_refund_id": refund_id})
    return [known[refund_id] for refund_id in dict.fromkeys(refund_ids)]


async def _saved(
    tx: Conn, before: Sequence[Refund], after: Sequence[Refund], now: datetime
) -> Sequence[Refund]:
    """Saves those that changed, with their events."""
    moved = [(old, new) for old, new in zip(before, after, strict=True) if new != old]
    changed = [new for _, new in moved]
    await refunds_store.save_all(tx, changed)
    new_events = [events.for_state(new, now, old) for old, new in moved]
    orders = await store.orders_of(tx, context.merchant_id(), changed)
    await outbox.append(tx, *new_events, *events.notifications(changed, orders, now))
    return changed
