"""Remittances: a courier's file is read and compared, and later booked in one step."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs import context, ids, lag, threads
from libs.chunks import chunked
from libs.db import Conn
from libs.errors import required
from services.cod.deps import Deps
from services.cod.errors import (
    CourierNotFound,
    RemittanceColumnsMissing,
    RemittanceNotFound,
    RemittanceUnreadable,
)
from services.cod.flows import booking, files
from services.cod.flows.booking import BLOCK
from services.cod.rules import remittance_files
from services.cod.rules import remittances as rules
from services.cod.rules.couriers import Courier
from services.cod.rules.remittance_files import RemittanceLine
from services.cod.rules.remittances import Line, Remittance, RemittanceState
from services.cod.store import remittances as store
from services.cod.store.couriers import COURIERS
from services.cod.store.remittances import REMITTANCES


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """`file` is base64. `tolerance_minor` None: the courier's."""

    courier_id: str
    file: str
    name: str | None
    tolerance_minor: int | None


async def upload_remittance(deps: Deps, cmd: UploadedFile) -> Remittance:
    """The same file is the same remittance."""
    merchant_id = context.merchant_id()
    data = await files.bytes_of(cmd.file, RemittanceUnreadable)
    courier = required(
        await deps.db.run(COURIERS.get, merchant_id, cmd.courier_id), CourierNotFound
    )
    if courier.remittance_columns is None:
        raise RemittanceColumnsMissing
    digest = hashlib.sha256(data).hexdigest()
    known = await deps.db.run(store.of_file, merchant_id, courier.id, digest)
    if known is not None:
        return known
    with lag.unswept():
        read = await threads.run(
            remittance_files.read, data, courier.remittance_columns, courier.currency
        )
        lines = files.lines_of(read, RemittanceUnreadable)
        remittance = _remittance(cmd, courier, digest, lines, deps.clock.now())
        stored = await threads.run(_stored, remittance, lines)
        return await _preview(deps, courier, remittance, stored)


def _remittance(
    cmd: UploadedFile,
    courier: Courier,
    digest: str,
    lines: Sequence[RemittanceLine],
    now: datetime,
) -> Remittance:
    tolerance = cmd.tolerance_minor
    if tolerance is None:
        tolerance = courier.remittance_tolerance_minor
    return Remittance(
        merchant_id=courier.merchant_id,
        id=ids.new("rem"),
        courier_id=courier.id,
        name=cmd.name,
        digest=digest,
        currency=courier.currency,
        tolerance_minor=tolerance,
        lines=len(lines),
        remitted_minor=sum(line.remitted_minor for line in lines),
        results={},
        exceptions=0,
        created_at=now,
    )


def _stored(remittance: Remittance, lines: Sequence[RemittanceLine]) -> Sequence[Line]:
    return [_line(remittance, line) for line in lines]


def _line(remittance: Remittance, line: RemittanceLine) -> Line:
    return Line(
        merchant_id=remittance.merchant_id,
        id=ids.new("rml"),
        remittance_id=remittance.id,
        courier_id=remittance.courier_id,
        line=line.line,
        tracking_number=line.tracking_number,
        sender_reference=line.sender_reference,
        collected_minor=line.collected_minor,
        cut_minor=line.cut_minor,
        remitted_minor=line.remitted_minor,
        paid_on=line.on,
        meaning=line.meaning,
    )


async def _preview(
    deps: Deps, courier: Courier, remittance: Remittance, lines: Sequence[Line]
) -> Remittance:
    async with deps.db.transaction() as tx:
        await COURIERS.lock(tx, remittance.merchant_id, courier.id)  # one file after another
        known = await store.of_file(tx, remittance.merchant_id, courier.id, remittance.digest)
        if known is not None:
            return known
        compared = await booking.compared(tx, courier, remittance, lines, commit=False)
        after = rules.counted(remittance, compared.lines)
        await REMITTANCES.add(tx, after)
        for block in chunked(compared.lines, BLOCK):
            await store.insert_lines(tx, block)
    return after


async def commit_remittance(deps: Deps, remittance_id: str) -> Remittance:
    """Books all matching lines, or nothing if the process dies. Committing again changes
    nothing.
    """
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        found = required(await REMITTANCES.get(tx, merchant_id, remittance_id), RemittanceNotFound)
        courier = await COURIERS.lock(tx, merchant_id, found.courier_id)
        before = await REMITTANCES.lock(tx, merchant_id, remittance_id)
        assert courier is not None  # its remittances reference it
        assert before is not None
        if before.state is RemittanceState.COMMITTED:
            return before
        with lag.unswept():
            return await _booked(tx, courier, before, now)


async def _booked(tx: Conn, courier: Courier, before: Remittance, now: datetime) -> Remittance:
    lines = await store.previewed(tx, before)
    compared = await booking.compared(tx, courier, before, lines, commit=True)
    after = rules.committed(before, compared.lines, now)
    await store.save(tx, after)
    others = await threads.run(rules.changed_lines, lines, compared.lines)
    for block in chunked(others, BLOCK):
        await store.save_judged(tx, block)
    await store.book_lines(tx, after)
    await booking.book(tx, courier, compared, after, now)
    return after
