"""The audit log: each record has a hash of itself and of the one before. Pure.

Whoever changes or removes a record breaks the chain from there on.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

FIRST_HASH: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """`before` and `after`: what was changed, as JSON."""

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
    hash: str
    created_at: datetime


def hash_of(record: AuditRecord) -> str:
    """SHA-256 of all that it says, in hexadecimal digits."""
    said = (
        record.merchant_id,
        record.number,
        record.id,
        record.action,
        record.subject_id,
        record.actor,
        record.before,
        record.after,
        record.trace_id,
        record.previous_hash,
        record.created_at.astimezone(UTC).isoformat(),
    )
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def first_broken(records: Iterable[AuditRecord], number: int, previous: str) -> int | None:
    """Of records in their order, that follow the one of this number and hash."""
    for record in records:
        follows = record.number == number + 1 and record.previous_hash == previous
        if not follows or hash_of(record) != record.hash:
            return number + 1
        number, previous = record.number, record.hash
    return None
