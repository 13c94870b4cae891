"""The columns that a table's indexes use, in their keys or predicates.

An update that changes none of them can stay on its page and writes to no index (a HOT update in
PostgreSQL).
"""

from collections.abc import Collection, Mapping
from typing import Any

from libs.db import Conn

_INDEXED = """
SELECT DISTINCT attname FROM pg_index
JOIN pg_depend ON classid = 'pg_class'::regclass AND objid = indexrelid
    AND refclassid = 'pg_class'::regclass AND refobjid = indrelid AND refobjsubid > 0
JOIN pg_attribute ON attrelid = indrelid AND attnum = refobjsubid
WHERE indrelid = $1::text::regclass
UNION
SELECT attname FROM pg_constraint
JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey)
WHERE conrelid = $1::text::regclass AND contype IN ('p', 'u')"""


async def indexed(conn: Conn, table: str) -> Collection[str]:
    return {row["attname"] for row in await conn.fetch(_INDEXED, table)}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Collection[str]:
    return {name for name, value in dict(before).items() if after[name] != value}
