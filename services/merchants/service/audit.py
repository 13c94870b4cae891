"""The gRPC servicer of the console's audit log."""

from typing import Final

from libs import servicer
from services.merchants.flows import auditing
from services.merchants.store.audit import ENTRIES

Audit: Final = servicer.of(
    "incasso.merchants.v1.AuditService",
    RecordIntent=auditing.record_intent,
    RecordOutcome=auditing.record_outcome,
    ListAuditEntries=servicer.Rows(ENTRIES, "aud"),
    CheckAuditEntries=auditing.check,
)
