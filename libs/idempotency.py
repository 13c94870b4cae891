"""Idempotency keys: same key and body, same answer; stored in the transaction of the effect.

An effect that is ours alone is made by `once`: claim, effect and answer in one transaction. One for
which others are asked has two: `claim` in the transaction that writes the intent, and `finish` in the
one that records the outcome. Between the two the key is locked for as long as a call may take. When
the lock runs out without an answer (a crash, an unknown outcome), a repeat is told which resource the
key stands for, so that it can answer from that resource's state or go on where the other stopped.

A store that wants effect and key in one statement takes the SQL from here, `claim_sql` with
`claim_values` and `finish_sql` with `finish_values`: pieces for a WITH, whose parameters count from
the number that they are given.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from google.protobuf.message import Message

from libs import context
from libs.db import Conn, Database, Row
from libs.errors import IdempotencyKeyInUse, IdempotencyKeyMissing, IdempotencyKeyReused
from libs.pieces import Piece

LOCK: Final = timedelta(seconds=30)
KEPT: Final = timedelta(days=30)
MAX_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Key:
    """A caller's key for one RPC with the SHA-256 of the canonical request."""

    merchant_id: str
    method: str
    text: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """`fresh`: go on, this call is the first. Else `answer` is the stored one, or None when the
    first call stopped before its answer: `resource_id` tells what it had begun.
    """

    fresh: bool
    resource_id: str
    answer: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What `once` comes to. `fresh`: this call made the effect. `body`: its answer, b"" where the
    resource itself is the answer.
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
    """The current call's key for `request`; None when the caller sent none."""
    call = context.current()
    if not call.idempotency_key:
        return None
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    return Key(call.merchant_id, method, call.idempotency_key, digest)


def claim_sql(first: int, *, unless: str = "") -> str:
    """Claims and answers `resource_id, fresh`; no row when the key is held, or when there is none.

    `unless` is a condition on which a new key is left new; a known one is met all the same.

    `claim_values` are its parameters, from number `first` on; the effect goes on when
    `fresh_sql` says so. What the row means is told by `claim_of`.
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
    """Whether the effect is to be made. `claimed` names the WITH piece of claim_sql(first)."""
    return f"(${first + 2}::text IS NULL OR EXISTS (SELECT FROM {claimed} WHERE fresh))"


def claim_values(
    key: Key | None, resource_id: str, *, lock: timedelta = LOCK
) -> tuple[object, ...]:
    """The six parameters of `claim_sql`."""
    if key is None:
        return (None,) * 6
    return (key.merchant_id, key.method, key.text, key.request_hash, resource_id, lock)


async def claim_of(conn: Conn, key: Key | None, resource_id: str, row: Row | None) -> Claim:
    """What `claim_sql` found. Raises as `claim` does."""
    if key is None:
        return Claim(fresh=True, resource_id=resource_id)
    if row is not None:
        return Claim(fresh=row["fresh"], resource_id=row["resource_id"])
    held = await held_of(conn, key)
    if held is None:  # purged since the claim met it: the next repeat is a first call
        raise IdempotencyKeyInUse
    return held


_CLAIM: Final = claim_sql(1)


async def claim(conn: Conn, key: Key | None, resource_id: str, *, lock: timedelta = LOCK) -> Claim:
    """Take the key for `resource_id`, in one statement when it is new.

    Raises IdempotencyKeyReused (other body) and IdempotencyKeyInUse (still running).
    """
    if key is None:
        return Claim(fresh=True, resource_id=resource_id)
    row = await conn.fetchrow(_CLAIM, *claim_values(key, resource_id, lock=lock))
    return await claim_of(conn, key, resource_id, row)


async def held_of(conn: Conn, key: Key) -> Claim | None:
    """What a key that was not claimed stands for; None when it is new. Raises as `claim` does."""
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
    """What a key of `once` was answered; None when it is new. Asked before anything is looked at that may
    be another thing by now, or gone: a repeat is answered as the first call was. Raises as `claim` does.
    """
    held = await db.run(held_of, key) if key is not None else None
    if held is None or held.answer is None:
        return None
    return Answered(fresh=False, resource_id=held.resource_id, body=held.answer)


async def resource_of(conn: Conn, merchant_id: str, method: str, key: str) -> str | None:
    """What a key stands for, answered or not; None when it is new."""
    found: str | None = await conn.fetchval(
        "SELECT resource_id FROM idempotency_keys"
        " WHERE merchant_id = $1 AND method = $2 AND key = $3",
        merchant_id,
        method,
        key,
    )
    return found


async def close(conn: Conn, merchant_id: str, method: str, key: str) -> None:
    """Nothing can be begun under the key any more: no request has the hash that it gets here. One
    that is known stays what it is, and one that is being claimed is waited for.
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
    """Stores the answer, or unlocks the key when the answer is null; nothing without a key.

    `finish_values` are its parameters, from number `first` on. It ends within its WHERE, for one
    more AND.
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


def finished(key: Key | None, answer: bytes | None) -> Piece:
    """The same as one of several writes."""
    return Piece(f"{_FINISH} AND {{when}}", finish_values(key, answer))


async def finish(conn: Conn, key: Key | None, answer: bytes | None) -> None:
    """Store the final answer, of which the first one stays; without one, `release`."""
    if key is not None:
        await conn.execute(_FINISH, *finish_values(key, answer))


async def stand_for(conn: Conn, key: Key | None, resource_id: str) -> None:
    """The key turned out to be for a resource that is there already; so an erasure finds its answer."""
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
    """What an effect answers whose own write had the `finished` piece, with b"" for the answer."""


async def once(
    db: Database,
    key: Key | None,
    resource_id: str,
    effect: Callable[[Conn, str], Awaitable[Message | bytes | Finished | None]],
) -> Answered:
    """The effect of a key, made once, and its answer. Raises as `claim` does.

    `effect` writes in the transaction that it is given, under the id that it is given, and makes what
    is to be kept: without secrets. None: a repeat is answered from the resource as it is by then;
    Finished: the same, and the key has been answered.
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
    """Unlock without an answer: a repeat answers from the resource as it is by then."""
    await finish(conn, key, None)
