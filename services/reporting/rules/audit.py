"""A record of the audit log: who changed what in the reconciliation. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """`before` and `after`: the changed values, as JSON."""

    merchant_id: str
    number: int
    id: str
    action: str
    subject_id: str
    actor: str
    before: str
    after: str
    trace_id: str
    previous_hash: str
    hash: str = ""
    created_at: datetime
