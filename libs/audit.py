"""Audit logs: append-only records, each with its own hash and that of the merchant's previous
record. Changing or removing one breaks the chain from there on.

The database refuses changes as well: with a trigger, and by the privileges of the service's role.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Final, Generic, Protocol, TypeVar

from libs.db import Conn, Database
from libs.rows import Table

FIRST_HASH: Final = "0" * 64
BATCH: Final = 1_000
_LOCK: Final = 0x1A0D17  # any constant; records of a merchant are added one at a time


class Chained(Protocol):
    """A frozen dataclass with these among its fields. `number` counts a merchant's records from 1."""

    @property
    def merchant_id(self) -> str: ...

    @property
    def number(self) -> int: ...

    @property
    def previous_hash(self) -> str: ...

    @property
    def hash(self) -> str: ...


R = TypeVar("R", bound=Chained)


@dataclass(frozen=True, slots=True)
class Checked:
    records: int
    first_broken: int | None


def hash_of(record: Chained) -> str:
    """SHA-256 of all other fields, in hexadecimal digits."""
    of: Any = record
    values = [_plain(getattr(record, field.name)) for field in fields(of) if field.name != "hash"]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def first_broken(records: Iterable[Chained], number: int, previous: str) -> int | None:
    """The number of the first of these records that does not continue the chain from this number and hash."""
    for record in records:
        follows = record.number == number + 1 and record.previous_hash == previous
        if not follows or hash_of(record) != record.hash:
            return number + 1
        number, previous = record.number, record.hash
    return None


class Log(Generic[R]):
    """The records in a table whose primary key is (merchant_id, number)."""

    def __init__(self, table: Table[R]) -> None:
        self._table = table

    async def add(self, tx: Conn, merchant_id: str, made: Callable[[int, str], R]) -> R:
        """`made` gets the number of the new record and the hash of the previous one; its own is set
        here.
        """
        await self.lock(tx, merchant_id)
        where = "WHERE merchant_id = $1 ORDER BY number DESC LIMIT 1"
        last = await self._table.one(tx, where, merchant_id)
        new: Any = made(last.number + 1 if last else 1, last.hash if last else FIRST_HASH)
        record: R = replace(new, hash=hash_of(new))
        await self._table.add(tx, record)
        return record

    async def lock(self, tx: Conn, merchant_id: str) -> None:
        """Keeps others from adding records for this merchant until the end of the transaction."""
        await tx.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK, merchant_id)

    async def check(self, db: Database, merchant_id: str) -> Checked:
        number, hash_before = 0, FIRST_HASH
        async with db.snapshot() as conn:
            while records := await self._following(conn, merchant_id, number):
                broken = first_broken(records, number, hash_before)
                if broken is not None:
                    return Checked(records[-1].number, broken)
                number, hash_before = records[-1].number, records[-1].hash
        return Checked(number, None)

    async def _following(self, conn: Conn, merchant_id: str, number: int) -> Sequence[R]:
        where = "WHERE merchant_id = $1 AND number > $2 ORDER BY number LIMIT $3"
        return await self._table.all(conn, where, merchant_id, number, BATCH)
