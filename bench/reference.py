"""The limit: the same database work as bare SQL, driven by pgbench on the same server."""

import re
import subprocess
from pathlib import Path

from stack.postgres import binary

HERE = Path(__file__).parent


def charges_per_second(url: str, *, clients: int, seconds: int) -> float:
    """Transactions per second of reference_charge.sql. `url`: an empty database."""
    schema = HERE / "reference_schema.sql"
    subprocess.run(
        [binary("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(schema), "-d", url],
        check=True,
    )
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
    found = re.search(r"^tps = ([0-9.]+)", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench told no rate:\n{done.stdout}")
    return float(found.group(1))
