"""What it costs to import a bank statement, or to reject one at its last line: time, and how much memory the service's process gains.

CPU time is the process's own, not PostgreSQL's. `make bench-imports`; `MIB=1024 TEXT=9000` for a file of one gigabyte whose entries
each have about 9,000 characters of remittance text. The results are in `bench/results/imports.json`.
"""

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.memory import MEBI, grown, settle
from libs import context, db, lag, schema
from libs.clock import Clock
from services.reporting.deps import Deps
from services.reporting.errors import StatementRefused
from services.reporting.flows.importing import ImportStatement, import_statement
from stack.postgres import throw_away_postgres

MERCHANT: Final = "mer_bench"
SIZES_MIB: Final = (16, int(os.environ.get("MIB", "64")))
TEXT: Final = int(os.environ.get("TEXT", "0"))
MOST_GROWN_MIB: Final = 256
PIECE_BYTES: Final = 2**16
RESULTS: Final = Path(__file__).parent / "results" / "imports.json"
SPACE: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
BALANCE: Final = """<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-26</Dt></Dt></Bal>
"""
ENTRY: Final = """<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>2026-11-{day:02}</Dt></BookgDt><ValDt><Dt>2026-11-{day:02}</Dt></ValDt><AcctSvcrRef>REF{number:012}</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>E2E-{number:012}</EndToEndId></Refs><RltdPties><Dbtr><Nm>Payer {number}</Nm></Dbtr>
<DbtrAcct><Id><IBAN>IT60X0542811101000000123456</IBAN></Id></DbtrAcct></RltdPties>
<RmtInf><Ustrd>Saldo ordine A-{number:012}, grazie</Ustrd>{more}</RmtInf></TxDtls></NtryDtls></Ntry>
"""

MORE: Final = f"<Ustrd>{' parole' * 200}</Ustrd>" * (TEXT // 1400)


def written(folder: Path, mib: int, *, off: int) -> tuple[Path, int]:
    """A statement of about `mib` MiB, and its number of entries. `off`: the error in its closing balance, in euros."""
    file = folder / f"{mib}.xml"
    count = mib * MEBI**2 // len(ENTRY.format(day=1, number=0, more=MORE))
    with file.open("w") as out:
        out.writelines(_parts(count, off))
    return file, count


def _parts(count: int, off: int) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{SPACE}"><BkToCstmrStmt>'
    yield "<GrpHdr><MsgId>M</MsgId></GrpHdr><Stmt><Id>S</Id>"
    yield "<Acct><Id><IBAN>IT60X0542811101000000123456</IBAN></Id></Acct>\n"
    yield BALANCE.format(code="OPBD", amount="0.00") + BALANCE.format(
        code="CLBD", amount=f"{count + off}.00"
    )
    for number in range(count):
        yield ENTRY.format(day=1 + number * 28 // count, number=number, more=MORE)
    yield "</Stmt></BkToCstmrStmt></Document>\n"


def measured(url: str, mib: int, off: int) -> dict[str, float]:
    """Measures in this process, which must be fresh."""
    return asyncio.run(_measured(url, mib, off))


async def _measured(url: str, mib: int, off: int) -> dict[str, float]:
    folder = Path(__file__).parent.parent / "services" / "reporting" / "migrations"
    await schema.migrate(url, "reporting", folder)
    database = await db.connect(url, pool_size=4, service="reporting")
    unasked: Any = None  # neither paylink nor payments is called here
    deps = Deps(db=database, clock=Clock(), links=unasked, psps=unasked)
    context.set_current(context.Call(merchant_id=MERCHANT, actor="bench"))
    meter = lag.Meter(window_seconds=3600)
    watching = asyncio.create_task(meter.run())
    try:
        with tempfile.TemporaryDirectory() as made:
            file, count = await asyncio.to_thread(written, Path(made), mib, off=off)
            cmd = ImportStatement(name=file.name, source=None, psp_account=None)
            before, began, spent = settle(), time.monotonic(), time.process_time()
            lines = await _imported(deps, cmd, file)
            seconds, used = time.monotonic() - began, time.process_time() - spent
        if lines != (0 if off else count):
            raise RuntimeError(f"{lines} of {count} lines were imported")
        return {
            "mib": mib,
            "entries": count,
            "lines": lines,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(used, 1),
            "entries_per_second": round(count / seconds),
            "grew_mib": round((grown() - before) / MEBI, 1),
            "loop_held_ms": round(1000 * meter.worst.held, 1),
        }
    finally:
        watching.cancel()
        await database.close()


async def _imported(deps: Deps, cmd: ImportStatement, file: Path) -> int:
    """Number of imported lines; 0 if the statement is refused because it does not add up."""
    try:
        return (await import_statement(deps, cmd, _pieces(file))).lines
    except StatementRefused as refusal:
        if "does not add up" not in refusal.message:
            raise
        return 0


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(PIECE_BYTES):
            yield piece


def main() -> None:
    spawn, results = multiprocessing.get_context("spawn"), []
    for mib, off in [(SIZES_MIB[-1], 1), *((mib, 0) for mib in SIZES_MIB)]:
        with throw_away_postgres() as server, ProcessPoolExecutor(1, mp_context=spawn) as alone:
            found = alone.submit(measured, server.url(), mib, off).result()
        results.append(found)
        print(", ".join(f"{name} {value}" for name, value in found.items()), flush=True)
        if found["grew_mib"] > MOST_GROWN_MIB:
            raise SystemExit(f"the process grew by more than {MOST_GROWN_MIB} MiB")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
