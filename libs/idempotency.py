"""Idempotency keys: same key and body, same answer; stored in the effect's transaction.

An effect that needs no other service is made with `once`: claim, effect and answer in one
transaction. One that calls other services has two: `claim` in the transaction that writes the
intent, and `finish` in the one that records the outcome. In between, the key is locked for as long
as a call may take. If the lock expires without an answer (a crash, an unknown outcome), a repeat
gets the resource of the key, so that it can answer from that resource's state or continue where the
first call stopped.

A store that wants effect and key in one statement takes the SQL from here, `claim_sql` with
`claim_values` and `finish_sql` with `finish_values`: pieces for a WITH, with parameters counted
from the given number.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from google.protobuf.message import Message

from libs import context
from libs.combined_writes import Write
from libs.db import Conn, Database, Row
from libs.errors import IdempotencyKeyInUse, IdempotencyKeyMissing, IdempotencyKeyReused

LOCK: Final = timedelta(seconds=30)
KEPT: Final = timedelta(days=30)
MAX_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's key for one RPC, with the SHA-256 of the canonical request."""

    merchant_id: str
    method: str
    text: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """`fresh`: continue, this is the first call. Otherwise `answer` is the stored answer, or None
    if the first call stopped before answering; `resource_id` is the resource that it had begun.
    """

    fresh: bool
    resource_id: str
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """Result of `once`. `fresh`: this call made the effect. `body`: its answer, b"" if repeats are
    answered from the resource.
    """

    fresh: bool
    resource_id: str
    body: bytes


def needed_key_of(request: Message, method: str) -> Key:
    """The current call's key. Raises IdempotencyKeyMissing."""
    key = key_of(request, method)
    if key is None:
        raise IdempotencyKeyMissing
    return key


def key_of(request: Message, method: str) -> Key | None:
    """The current call's key for `request`; None if the caller sent none."""
    call = context.current()
    if not call.idempotency_key:
        return None
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    return Key(call.merchant_id, method, call.idempotency_key, digest)


def claim_sql(first: int, *, unless: str = "") -> str:
    """Claims and returns `resource_id, fresh`; no row if the key is held, or if there is none.

    `unless` is a condition on which a new key stays unclaimed; a known key is still found.

    `claim_values` are its parameters, from number `first` on; the effect proceeds if `fresh_sql` is
    true. `claim_of` interprets the row.
    """
    merchant, method, key, request_hash, resource, lock = (f"${first + n}" for n in range(6))
    but = f"""
      AND (NOT ({unless}) OR EXISTS (SELECT FROM idempotency_keys AS known
        WHERE known.merchant_id = {merchant}::text AND known.method = {method}::text
          AND known.key = {key}::text))"""
    return f"""
    INSERT INTO idempotency_keys AS held
        (merchant_id, method, key, request_hash, resource_id, locked_until)
    SELECT {merchant}::text, {method}::text, {key}::text, {request_hash}::bytea,
        {resource}::text, clock_timestamp() + {lock}::interval
    WHERE {key}::text IS NOT NULL{but if unless else ""}
    ON CONFLICT (merchant_id, method, key) DO UPDATE
        SET locked_until = EXCLUDED.locked_until
        WHERE held.request_hash = EXCLUDED.request_hash
          AND held.answer IS NULL
          AND held.locked_until <= clock_timestamp()
    RETURNING resource_id, xmax = 0 AS fresh"""  # noqa: S608 - made of constants


def fresh_sql(first: int, *, claimed: str) -> str:
    """Whether to make the effect. `claimed` names the WITH piece of claim_sql(first)."""
    return f"(${first + 2}::text IS NULL OR EXISTS (SELECT FROM {claimed} WHERE fresh))"


def claim_values(
    key: Key | None, resource_id: str, *, lock: timedelta = LOCK
) -> tuple[object, ...]:
    """The six parameters of `claim_sql`."""
    if key is None:
        return (None,) * 6
    return (key.merchant_id, key.method, key.text, key.request_hash, resource_id, lock)


async def claim_of(conn: Conn, key: Key | None, resource_id: str, row: Row | None) -> Claim:
    """Interprets the result of `claim_sql`. Raises as `claim` does."""
    if key is None:
        return Claim(fresh=True, resource_id=resource_id)
    if row is not None:
        return Claim(fresh=row["fresh"], resource_id=row["resource_id"])
    held = await held_of(conn, key)
    if held is None:  # deleted since the claim found it: the next repeat is a first call
        raise IdempotencyKeyInUse
    return held


_CLAIM: Final = claim_sql(1)


async def claim(conn: Conn, key: Key | None, resource_id: str, *, lock: timedelta = LOCK) -> Claim:
    """Claims the key for `resource_id`; one statement if it is new.

    Raises IdempotencyKeyReused (other body) and IdempotencyKeyInUse (still running).
    """
    if key is None:
        return Claim(fresh=True, resource_id=resource_id)
    row = await conn.fetchrow(_CLAIM, *claim_values(key, resource_id, lock=lock))
    return await claim_of(conn, key, resource_id, row)


async def held_of(conn: Conn, key: Key) -> Claim | None:
    """The state of a key that was not claimed; None if it is new. Raises as `claim` does."""
    row = await conn.fetchrow(
        "SELECT request_hash, resource_id, answer FROM idempotency_keys"
        " WHERE merchant_id = $1 AND method = $2 AND key = $3",
        key.merchant_id,
        key.method,
        key.text,
    )
    if row is None:
        return None
    if row["request_hash"] != key.request_hash:
        raise IdempotencyKeyReused
    if row["answer"] is None:
        raise IdempotencyKeyInUse
    return Claim(fresh=False, resource_id=row["resource_id"], answer=row["answer"])


async def answered(db: Database, key: Key | None) -> Answered | None:
    """The answer stored by `once`; None if the key is new. Look it up before reading anything that
    may have changed or gone since, so that a repeat gets the first call's answer. Raises as `claim` does.
    """
    held = await db.run(held_of, key) if key is not None else None
    if held is None or held.answer is None:
        return None
    return Answered(fresh=False, resource_id=held.resource_id, body=held.answer)


async def resource_of(conn: Conn, merchant_id: str, method: str, key: str) -> str | None:
    """The resource of a key, answered or not; None if the key is new."""
    found: str | None = await conn.fetchval(
        "SELECT resource_id FROM idempotency_keys"
        " WHERE merchant_id = $1 AND method = $2 AND key = $3",
        merchant_id,
        method,
        key,
    )
    return found


async def close(conn: Conn, merchant_id: str, method: str, key: str) -> None:
    """Closes the key for good: it gets a hash that no request has. A known key keeps its answer.
    Waits for a claim in progress.
    """
    await conn.execute(
        "INSERT INTO idempotency_keys"
        " (merchant_id, method, key, request_hash, resource_id, locked_until)"
        " VALUES ($1, $2, $3, '', '', now()) ON CONFLICT DO NOTHING",
        merchant_id,
        method,
        key,
    )


def finish_sql(first: int) -> str:
    """Stores the answer, or unlocks the key if the answer is null; does nothing without a key.

    `finish_values` are its parameters, from number `first` on. It ends within its WHERE, so that an
    AND can follow.
    """
    merchant, method, key, answer = (f"${first + n}" for n in range(4))
    return f"""
    UPDATE idempotency_keys SET answer = {answer}::bytea,
        locked_until =
            CASE WHEN {answer}::bytea IS NULL THEN clock_timestamp() ELSE locked_until END
    WHERE merchant_id = {merchant}::text AND method = {method}::text AND key = {key}::text
      AND answer IS NULL"""  # noqa: S608 - made of constants


def finish_values(key: Key | None, answer: bytes | None) -> tuple[object, ...]:
    """The four parameters of `finish_sql`."""
    if key is None:
        return (None,) * 4
    return (key.merchant_id, key.method, key.text, answer)


_FINISH: Final = finish_sql(1)


def finished(key: Key | None, answer: bytes | None) -> Write:
    """`finish` as one of several writes."""
    return Write(f"{_FINISH} AND {{when}}", finish_values(key, answer))


async def finish(conn: Conn, key: Key | None, answer: bytes | None) -> None:
    """Stores the final answer, unless there already is one; without an answer, acts like
    `release`.
    """
    if key is not None:
        await conn.execute(_FINISH, *finish_values(key, answer))


async def reassign(conn: Conn, key: Key | None, resource_id: str) -> None:
    """Assigns the key to a resource that already exists, so that an erasure finds the answer."""
    if key is not None:
        await conn.execute(
            "UPDATE idempotency_keys SET resource_id = $4"
            " WHERE merchant_id = $1 AND method = $2 AND key = $3",
            key.merchant_id,
            key.method,
            key.text,
            resource_id,
        )


class Finished:
    """Returned by an effect whose own write included the `finished` piece, with b"" as the
    answer.
    """


async def once(
    db: Database,
    key: Key | None,
    resource_id: str,
    effect: Callable[[Conn, str], Awaitable[Message | bytes | Finished | None]],
) -> Answered:
    """Makes a key's effect once and returns its answer. Raises as `claim` does.

    `effect` writes in the given transaction under the given id, and returns what is stored, without
    secrets. If it returns None, repeats are answered from the resource's current state; Finished:
    the same, and the key already has its answer.
    """
    async with db.transaction() as tx:
        claimed = await claim(tx, key, resource_id)
        if claimed.answer is not None:
            return Answered(fresh=False, resource_id=claimed.resource_id, body=claimed.answer)
        kept = await effect(tx, claimed.resource_id)
        body = kept.SerializeToString() if isinstance(kept, Message) else b""
        if isinstance(kept, bytes):
            body = kept
        if not isinstance(kept, Finished):
            await finish(tx, key, body)
    return Answered(fresh=True, resource_id=claimed.resource_id, body=body)


async def release(conn: Conn, key: Key | None) -> None:
    """Unlocks the key without an answer: repeats are answered from the resource's current state."""
    await finish(conn, key, None)
