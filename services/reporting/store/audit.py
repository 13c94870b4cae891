"""The table of the audit log."""

from typing import Final

from libs.rows import Table
from services.reporting.rules.audit import AuditRecord

AUDIT: Final = Table("audit_records", AuditRecord)
