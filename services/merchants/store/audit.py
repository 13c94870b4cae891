"""SQL of the console's audit log."""

from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.merchants.rules.audit import AuditEntry, AuditRecord

RECORDS: Final = Table("audit_records", AuditRecord)
ENTRIES: Final = Table("audit_entries", AuditEntry)


async def find_intent(conn: Conn, merchant_id: str, entry_id: str) -> AuditRecord | None:
    where = "WHERE merchant_id = $1 AND id = $2 AND kind = 'intent'"
    return await RECORDS.one(conn, where, merchant_id, entry_id)


async def find_outcome(conn: Conn, merchant_id: str, entry_id: str) -> AuditRecord | None:
    return await RECORDS.one(
        conn, "WHERE merchant_id = $1 AND intent_id = $2", merchant_id, entry_id
    )
