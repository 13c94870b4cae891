"""The limit: the same database work as bare SQL, driven by pgbench on the same server."""

import re
import resource
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.postgres import binary

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Reference:
    """Charges per second, and the CPU time that PostgreSQL and pgbench spend on one."""

    per_second: float
    cpu_seconds: float


def measure(
    url: str, *, clients: int, seconds: int, server_seconds: Callable[[], float]
) -> Reference:
    """Runs reference_charge.sql. `url`: an empty database; `server_seconds`: returns the server's CPU
    time so far.
    """
    schema = HERE / "reference_schema.sql"
    subprocess.run(
        [binary("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(schema), "-d", url],
        check=True,
    )
    before = server_seconds() + _ended_children_seconds()
    done = subprocess.run(
        [
            binary("pgbench"),
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            "--jobs=2",
            f"--time={seconds}",
            f"--file={HERE / 'reference_charge.sql'}",
            url,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    spent = server_seconds() + _ended_children_seconds() - before
    rate = _number(r"^tps = ([0-9.]+)", done.stdout)
    count = _number(r"^number of transactions actually processed: ([0-9]+)", done.stdout)
    return Reference(rate, spent / count)


def _ended_children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _number(pattern: str, output: str) -> float:
    found = re.search(pattern, output, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench did not print {pattern}:\n{output}")
    return float(found.group(1))
