"""WAL bytes between two positions, broken down by table (its rows and indexes).

pg_waldump identifies a relation by database and file number; each database knows its own names.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from libs.db import Conn
from stack.postgres import binary

Files = Mapping[tuple[int, int], str]

_RECORD: Final = re.compile(
    r"rmgr: \S+\s+len \(rec/tot\):\s+\d+/\s*(\d+),[^\n]*?desc: (?:[^\n]*?rel \d+/(\d+)/(\d+))?"
)
_FILES: Final = """
SELECT (SELECT oid FROM pg_database WHERE datname = current_database())::bigint AS database,
    pg_relation_filenode(pg_class.oid)::bigint AS file,
    current_database() || ' ' || CASE WHEN pg_class.oid < 16384 OR relnamespace = 'pg_toast'::regnamespace
        THEN 'statistics and catalogue' ELSE coalesce(indrelid::regclass::text, relname) END AS name
FROM pg_class LEFT JOIN pg_index ON indexrelid = pg_class.oid
WHERE pg_relation_filenode(pg_class.oid) IS NOT NULL"""


async def position(conn: Conn) -> str:
    """The end of the WAL, which is on disk up to that position."""
    await conn.fetchval("SELECT pg_logical_emit_message(true, 'bench', '')")
    return str(await conn.fetchval("SELECT pg_current_wal_insert_lsn()::text"))


async def files(conn: Conn) -> Files:
    """Table names of this connection's database, by file; an index counts as its table."""
    return {(row["database"], row["file"]): row["name"] for row in await conn.fetch(_FILES)}


def by_table(data: Path, begin: str, end: str, names: Files) -> Counter[str]:
    """WAL bytes by table. `data`: the server's data folder."""
    command = [binary("pg_waldump"), "-p", str(data / "pg_wal"), "-s", begin, "-e", end]
    dumped = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: Counter[str] = Counter()
    for size, database, file in _RECORD.findall(dumped):
        name = names.get((int(database), int(file)), "others") if file else "commits and others"
        found[name] += int(size)
    return found
