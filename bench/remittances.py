"""What a remittance file of 50,000 lines costs to read and to match, in each dialect of the sandbox's courier.

Processor time, and by how much the process grows. Run by `make bench-remittances`; the results are in
`bench/results/remittances.json`.
"""

import json
import multiprocessing
import re
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Final

from services.cod.rules import remittance_files
from services.cod.rules.columns import RemittanceColumns
from services.cod.rules.matching import BOOKED, Claim, Standing, match
from services.sandbox.courier.dialects import ABOVE, DIALECTS
from services.sandbox.courier.remitting import Line

LINES: Final = 50_000
CUT_MINOR: Final = 300
RESULTS: Final = Path(__file__).parent / "results" / "remittances.json"
MEBI: Final = 1024  # of the kibibytes that Linux tells


def file_of(dialect: str) -> bytes:
    lines = [
        Line(f"SBX{n:09d}", f"O-{n}", "CONSEGNATO", 5000 + n, CUT_MINOR, 5000 + n - CUT_MINOR)
        for n in range(LINES)
    ]
    return DIALECTS[dialect].write(lines, date(2026, 11, 26))


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
    """In a process of its own, which has read nothing before."""
    columns = RemittanceColumns(
        header_row=len(ABOVE) + 1 if dialect == "spreadsheet" else 1,
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


def grown() -> int:
    """The most that the process has held, in KiB: of getrusage it is also that of whoever started it."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0])


def main() -> None:
    spawn = multiprocessing.get_context("spawn")
    results = {}
    print(f"{LINES} lines    file     read     match    memory")
    for dialect in DIALECTS:
        with ProcessPoolExecutor(1, mp_context=spawn) as alone:
            found = alone.submit(measured, dialect, file_of(dialect)).result()
        results[dialect] = found
        print(
            f"{dialect:<12} {found['file_mib']:>5} MiB {found['read_seconds']:>6} s"
            f" {found['match_seconds']:>6} s {found['grew_mib']:>6} MiB"
        )
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
