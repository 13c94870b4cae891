"""What it costs to read and match a remittance file of 50,000 lines, in each dialect of the sandbox's courier, and
to upload and book it.

Measures CPU time and how much memory the process gains. Run by `make bench-remittances`; the results are in
`bench/results/remittances.json`.
"""

import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from bench import remittance_books
from bench.memory import MEBI, grown
from bench.remittance_books import CUT_MINOR, file_of
from services.cod.rules import remittance_files
from services.cod.rules.columns import RemittanceColumns
from services.cod.rules.matching import BOOKED, Claim, Standing, match
from services.sandbox.courier.dialects import DIALECTS, HEADER_ROW
from stack.postgres import throw_away_postgres

LINES: Final = 50_000
KEPT: Final = ("windows", "workbook")  # CSV and XLSX
RESULTS: Final = Path(__file__).parent / "results" / "remittances.json"


def claims() -> list[Claim]:
    return [
        Claim(
            order_id=f"cod_{n}",
            order_reference=f"O-{n}",
            tracking_number=f"SBX{n:09d}",
            standing=Standing.OWED,
            open_minor=5000 + n,
            cut_minor=CUT_MINOR,
        )
        for n in range(LINES)
    ]


def measured(dialect: str, data: bytes) -> dict[str, float]:
    """Measures in this process, which must be fresh."""
    columns = RemittanceColumns(
        header_row=HEADER_ROW if dialect == "spreadsheet" else 1,
        tracking_number="Spedizione",
        sender_reference="Rif. mittente",
        collected="Contrassegno",
        cut="Commissione",
        remitted="Netto",
        on="Data",
    )
    before, began = grown(), time.process_time()
    reading = remittance_files.read(data, columns, "EUR")
    read, grew = time.process_time(), grown() - before
    owed = claims()
    matching = time.process_time()
    found = match(reading.lines, owed, tolerance_minor=0)
    matched = time.process_time()
    assert len(found) == LINES
    assert all(each.result in BOOKED for each in found)
    return {
        "file_mib": round(len(data) / MEBI**2, 1),
        "read_seconds": round(read - began, 2),
        "match_seconds": round(matched - matching, 2),
        "grew_mib": round(grew / MEBI),
    }


def main() -> None:
    spawn = multiprocessing.get_context("spawn")
    results: dict[str, dict[str, float]] = {}
    print(f"{LINES} lines    file     read     match    memory")
    for dialect in DIALECTS:
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            found = alone.submit(measured, dialect, file_of(dialect, LINES)).result()
        results[dialect] = found
        print(
            f"{dialect:<12} {found['file_mib']:>5} MiB {found['read_seconds']:>6} s"
            f" {found['match_seconds']:>6} s {found['grew_mib']:>6} MiB"
        )
    for dialect in KEPT:
        header_row = HEADER_ROW if dialect == "spreadsheet" else 1
        with throw_away_postgres() as server, ProcessPoolExecutor(1, mp_context=spawn) as alone:
            books = alone.submit(
                remittance_books.measured, server.url(), dialect, header_row, LINES
            ).result()
        for step, spent in books.items():
            results[f"{dialect}_{step}"] = spent
            print(
                f"{dialect:<12} {step}: {spent['seconds']} s, including {spent['cpu_seconds']} s of the"
                f" service's own CPU time; {spent['grew_mib']} MiB; event loop blocked for at most"
                f" {spent['loop_stood_still_ms']} ms"
            )
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
