"""The console's audit log: an intent, and later its outcome. Pure.

Without an outcome, it is unknown whether the intended change was made.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from libs import logs
from libs.errors import invalid

_SECRETS: Final = ("password", "secret", "token", "picture", "credentials")  # in names of fields
_LEFT_OUT: Final = "[not recorded]"


class RecordKind(StrEnum):
    INTENT = "intent"
    OUTCOME = "outcome"


class Outcome(StrEnum):
    UNKNOWN = "unknown"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """`intent_id`: an outcome's intent. `before` and `after` are JSON objects, or empty."""

    merchant_id: str
    number: int
    id: str
    kind: RecordKind
    intent_id: str | None
    action: str
    subject_id: str
    actor: str
    session_id: str
    address: str
    before: str
    after: str
    outcome: Outcome | None
    reason: str | None
    trace_id: str
    previous_hash: str
    hash: str = ""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An intent with its outcome."""

    merchant_id: str
    id: str
    actor: str
    action: str
    subject_id: str
    before: str
    after: str
    outcome: Outcome
    reason: str | None
    session_id: str
    address: str
    trace_id: str
    created_at: datetime
    ended_at: datetime | None


def asked_hash(action: str, subject_id: str, after: str) -> bytes:
    """Hash of the requested change, without its circumstances."""
    return hashlib.sha256(json.dumps([action, subject_id, after]).encode()).digest()


def recordable(field: str, text: str) -> str:
    """A JSON object without secrets, card-like numbers and e-mail addresses; "" stays "". Raises
    InvalidArgument.
    """
    if not text:
        return ""
    try:
        values = json.loads(text)
    except ValueError as error:
        raise invalid(field, "must be a JSON object") from error
    if not isinstance(values, dict):
        raise invalid(field, "must be a JSON object")
    return json.dumps(_cleaned(values), ensure_ascii=False)


def _cleaned(value: Any) -> Any:
    match value:
        case dict():
            return {
                name: _LEFT_OUT if any(word in name for word in _SECRETS) else _cleaned(each)
                for name, each in value.items()
            }
        case list():
            return [_cleaned(each) for each in value]
        case str():
            return logs.redact(value)
        case _:
            return value


def ending(
    intent: AuditRecord,
    *,
    number: int,
    previous_hash: str,
    record_id: str,
    outcome: Outcome,
    reason: str | None,
    subject_id: str | None,
    after: str,
    trace_id: str,
    now: datetime,
) -> AuditRecord:
    """The record of how an intent ended."""
    return replace(
        intent,
        number=number,
        previous_hash=previous_hash,
        hash="",
        id=record_id,
        kind=RecordKind.OUTCOME,
        intent_id=intent.id,
        outcome=outcome,
        reason=reason,
        subject_id=subject_id or intent.subject_id,
        before="",
        after=after,
        trace_id=trace_id,
        created_at=now,
    )
