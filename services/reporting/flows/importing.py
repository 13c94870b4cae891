"""Imports files of banks and PSPs: spooled to disk as they arrive, checked, and loaded in one
transaction.

A file is imported completely or not at all, and only once: its content identifies it and each line.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

from libs import context, ids, telemetry
from libs.db import Conn
from libs.errors import invalid
from libs.spool import Spool
from libs.statements import reading
from libs.statements.model import Contents
from libs.statements.reading import Block
from libs.statements.refusals import RefusedError
from libs.threads import Threads
from libs.uploads import Pieces
from services.reporting.deps import READ_AT_ONCE, Deps
from services.reporting.errors import StatementRefused
from services.reporting.flows import collecting, import_progress
from services.reporting.flows.import_progress import Watch
from services.reporting.rules import imports as rules
from services.reporting.rules import lines
from services.reporting.rules.imports import Import, ImportState, Source
from services.reporting.rules.lines import Into
from services.reporting.store import books, link_transfers
from services.reporting.store import imports as store
from services.reporting.store.imports import BANK_LINES, SETTLEMENT_LINES

_READERS: Final = Threads(concurrency=READ_AT_ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStatement:
    """A file's parameters. `source`: the one that the caller expects."""

    name: str | None
    source: Source | None
    psp_account: str | None


async def import_statement(deps: Deps, cmd: ImportStatement, pieces: Pieces) -> Import:
    """Raises StatementRefused, InvalidArgument."""
    async with Spool.opened() as spool:
        async for piece in pieces:
            await spool.write(piece)
        await spool.flush()
        found = await deps.db.run(store.of_content, context.merchant_id(), spool.sha256)
        if (known := _same(cmd, found)) is not None:
            return known
        async with import_progress.watched(deps.db, spool.sha256) as watch, deps.reading:
            with _stopped_with_the_call() as progress:
                return await _import(deps, cmd, spool, progress, watch)


async def _import(
    deps: Deps, cmd: ImportStatement, spool: Spool, progress: reading.Progress, watch: Watch
) -> Import:
    try:
        contents = await _READERS.run(reading.proven, spool.read, progress)
        _check_source(cmd, rules.source_of(contents))
        await watch.read(sum(total.entries for total in rules.totals_of(contents)))
        return await _loaded(_Load(deps, cmd, spool.read, contents, progress, watch))
    except RefusedError as refusal:
        refused = _refused(cmd, spool, refusal, deps.clock.now())
        await deps.db.run(store.save, refused)
        raise StatementRefused.at(refusal.line, refusal.reason) from refusal


async def _loaded(load: "_Load") -> Import:
    merchant_id, now = context.merchant_id(), load.deps.clock.now()
    months = rules.months_of(load.contents, now.date())
    async with load.deps.db.transaction() as tx:  # short: creating partitions blocks others
        await books.make_partitions(tx, months)
    async with load.deps.db.transaction() as tx:
        await store.own(tx, merchant_id)
        known = await store.of_content(tx, merchant_id, load.contents.sha256)
        if (same := _same(load.cmd, known)) is not None:
            return same
        return await load.run(tx, known.id if known else ids.new("imp"), now)


def _refused(cmd: ImportStatement, spool: Spool, refusal: RefusedError, now: datetime) -> Import:
    return Import(
        merchant_id=context.merchant_id(),
        id=ids.new("imp"),
        state=ImportState.REFUSED,
        source=cmd.source,
        psp_account=cmd.psp_account,
        format=None,
        version=None,
        name=cmd.name,
        content_hash=spool.sha256,
        size_bytes=spool.size_bytes,
        statements=0,
        lines=0,
        known_lines=0,
        not_booked=0,
        totals=(),
        refused_line=refusal.line or None,
        refused_reason=refusal.reason,
        created_by=context.current().actor,
        trace_id=telemetry.trace_id(),
        created_at=now,
    )


@dataclass(frozen=True, slots=True)
class _Load:
    deps: Deps
    cmd: ImportStatement
    opened: Callable[[], BinaryIO]
    contents: Contents
    progress: reading.Progress
    watch: Watch

    async def run(self, tx: Conn, import_id: str, now: datetime) -> Import:
        merchant_id = context.merchant_id()
        found = self.contents.format
        into = Into(merchant_id, import_id, found.name, self.cmd.psp_account, now)
        source = rules.source_of(self.contents)
        table = (BANK_LINES if source is Source.BANK else SETTLEMENT_LINES).name
        statements = [
            rules.statement_of(each, merchant_id, import_id, now)
            for each in self.contents.statements
        ]
        staged = 0
        records = _records(self, into, [each.id for each in statements])
        while (block := await _READERS.run(next, records, None)) is not None:
            await store.stage(tx, table, block)
            staged += len(block)
            await self.watch.staged(staged)
        await self.watch.all_staged(staged)
        if source is Source.PSP:
            await _check_repeats(tx, import_id)
        taken = await store.take(tx, table, merchant_id, import_id)
        if source is Source.BANK:
            await store.add_statements(tx, statements)
            await link_transfers.add(tx, merchant_id, import_id)
        await store.clear(tx, table, merchant_id, import_id)
        await collecting.collect(tx, merchant_id, import_id, telemetry.trace_id())
        imported = Import(
            merchant_id=merchant_id,
            id=import_id,
            state=ImportState.IMPORTED,
            source=source,
            psp_account=self.cmd.psp_account,
            format=found.name,
            version=found.version or None,
            name=self.cmd.name,
            content_hash=self.contents.sha256,
            size_bytes=self.contents.size_bytes,
            statements=len(statements),
            lines=taken,
            known_lines=staged - taken,
            not_booked=sum(each.others for each in self.contents.statements),
            totals=rules.totals_of(self.contents),
            refused_line=None,
            refused_reason=None,
            created_by=context.current().actor,
            trace_id=telemetry.trace_id(),
            created_at=now,
        )
        await store.save(tx, imported)
        return imported


async def _check_repeats(tx: Conn, import_id: str) -> None:
    """A repeated transaction becomes one line if its values agree, else raises RefusedError."""
    found = await store.at_odds(tx, context.merchant_id(), import_id)
    if found is not None:
        raise RefusedError(f"has the transaction {found} twice, with different amounts")


def _records(load: _Load, into: Into, statement_ids: Sequence[str]) -> Iterator[list[Any]]:
    """Yields each block's rows for COPY; runs in a thread."""
    number = 0
    is_of_bank = rules.source_of(load.contents) is Source.BANK
    for block in reading.blocks(load.opened, load.contents, load.progress):
        if is_of_bank:
            found = list(_bank_records(load, block, into, statement_ids[block.statement], number))
        else:
            made = lines.settlement_lines(block.entries, into)
            found = [[*SETTLEMENT_LINES.values(line), at] for at, line in enumerate(made, number)]
        number += len(found)
        yield found


def _bank_records(
    load: _Load, block: Block, into: Into, statement_id: str, number: int
) -> Iterator[list[Any]]:
    account = load.contents.statements[block.statement].heading.account
    entry_id, entry_number = "", number
    for at, line in enumerate(lines.bank_lines(block.entries, account, statement_id, into), number):
        if line.entry_id != entry_id:
            entry_id, entry_number = line.entry_id, at
        yield [*BANK_LINES.values(line), at, entry_number, lines.names_link(line)]


def _same(cmd: ImportStatement, known: Import | None) -> Import | None:
    """The earlier import of the same file, if any. Raises InvalidArgument."""
    if known is None or known.state is not ImportState.IMPORTED:
        return None
    if known.source is Source.PSP and cmd.psp_account not in {None, known.psp_account}:
        raise invalid("psp_account", "differs from the account that this file was imported for")
    return known


def _check_source(cmd: ImportStatement, source: Source) -> None:
    if cmd.source not in {None, source}:
        raise invalid("source", f"does not match the file, whose source is {source.value}")
    if source is Source.PSP and not cmd.psp_account:
        raise invalid("psp_account", "is required for a PSP's report")
    if source is Source.BANK and cmd.psp_account:
        raise invalid("psp_account", "is only for PSP reports; this is a bank statement")


@contextmanager
def _stopped_with_the_call() -> Iterator[reading.Progress]:
    """Stops the thread that reads the file when the call ends, even early."""
    stopped = threading.Event()

    def progress(_: int) -> None:
        if stopped.is_set():
            raise InterruptedError

    try:
        yield progress
    finally:
        stopped.set()
