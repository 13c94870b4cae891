"""SQL of the terms of sources."""

from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.sources import Source

SOURCES: Final = Table("sources", Source)
_CHANGES: Final = ", ".join(
    f"{name} = EXCLUDED.{name}" for name in SOURCES.but("merchant_id", "party")
)
_PUT: Final = f"{SOURCES.insert()} ON CONFLICT ON CONSTRAINT sources_pkey DO UPDATE SET {_CHANGES}"


async def lock(conn: Conn, merchant_id: str, party: str) -> Source | None:
    where = "WHERE merchant_id = $1 AND party = $2 FOR UPDATE"
    return await SOURCES.one(conn, where, merchant_id, party)


async def put(conn: Conn, source: Source) -> None:
    await conn.execute(_PUT, *SOURCES.values(source))


async def all_of(conn: Conn, merchant_id: str, most: int) -> list[Source]:
    return await SOURCES.all(
        conn, "WHERE merchant_id = $1 ORDER BY party LIMIT $2", merchant_id, most
    )
