"""SQL of the audit log."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.audit import AuditRecord

AUDIT: Final = Table("audit_records", AuditRecord)
_LOCK: Final = 0x1A0D17  # any constant: one record of a merchant at a time


async def last(conn: Conn, merchant_id: str) -> AuditRecord | None:
    """Prevents adding another one until the end of the transaction."""
    await conn.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK, merchant_id)
    return await AUDIT.one(conn, "WHERE merchant_id = $1 ORDER BY number DESC LIMIT 1", merchant_id)


async def following(conn: Conn, merchant_id: str, number: int, limit: int) -> Sequence[AuditRecord]:
    where = "WHERE merchant_id = $1 AND number > $2 ORDER BY number LIMIT $3"
    return await AUDIT.all(conn, where, merchant_id, number, limit)
