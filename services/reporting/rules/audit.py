"""The audit log: each record contains a hash of itself and the previous one. Pure.

Changing or removing a record breaks the chain from there on.
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
    hash: str
    created_at: datetime


def hash_of(record: AuditRecord) -> str:
    """SHA-256 of the whole record, in hexadecimal digits."""
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
    """Of consecutive records that follow the one with this number and hash."""
    for record in records:
        follows = record.number == number + 1 and record.previous_hash == previous
        if not follows or hash_of(record) != record.hash:
            return number + 1
        number, previous = record.number, record.hash
    return None
