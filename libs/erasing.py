"""Removes personal data of erased persons from messages, logged events and stored answers.

A service lists the personal fields of its messages; rows that hold such messages are rewritten
without them. Nothing else changes: amounts, states and times belong to the books.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from google.protobuf import message_factory
from google.protobuf.message import Message

from libs import descriptors
from libs.db import Conn

Personal: TypeAlias = Mapping[str, Sequence[str]]  # full name of a message → fields


def clear(message: Message, personal: Personal) -> bytes:
    """The message, serialised, without personal data in it or in its parts."""
    for part in parts(message):
        for name in personal.get(part.DESCRIPTOR.full_name, ()):
            part.ClearField(name)
    return message.SerializeToString()


def event_left(subject: str, body: bytes, personal: Personal) -> bytes:
    """An event's body without personal data."""
    kind = message_factory.GetMessageClass(descriptors.event(subject))
    return clear(kind.FromString(body), personal)


def parts(message: Message) -> Iterator[Message]:
    """The message and all messages in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for part in value if field.is_repeated else [value]:
            yield from parts(part)


async def rewrite_events(
    conn: Conn, merchant_id: str, aggregate_ids: Sequence[str], left: Callable[[str, bytes], bytes]
) -> None:
    """Replaces logged events by what `left` returns for them, by subject and body."""
    rows = await conn.fetch(
        "SELECT seq, subject, body FROM outbox"
        " WHERE merchant_id = $1 AND aggregate_id = ANY($2::text[])",
        merchant_id,
        list(aggregate_ids),
    )
    await conn.execute(
        "UPDATE outbox SET body = new.body FROM unnest($1::bigint[], $2::bytea[]) AS new (seq, body)"
        " WHERE outbox.seq = new.seq",
        [row["seq"] for row in rows],
        [left(row["subject"], row["body"]) for row in rows],
    )


async def rewrite_answers(
    conn: Conn,
    merchant_id: str,
    resource_ids: Sequence[str],
    methods: Sequence[str],
    left: Callable[[bytes], bytes],
) -> None:
    """The same for stored answers of these methods."""
    rows = await conn.fetch(
        "SELECT method, key, answer FROM idempotency_keys WHERE merchant_id = $1"
        " AND resource_id = ANY($2::text[]) AND method = ANY($3::text[]) AND answer IS NOT NULL",
        merchant_id,
        list(resource_ids),
        list(methods),
    )
    await conn.execute(
        "UPDATE idempotency_keys AS held SET answer = new.answer"
        " FROM unnest($2::text[], $3::text[], $4::bytea[]) AS new (method, key, answer)"
        " WHERE merchant_id = $1 AND held.method = new.method AND held.key = new.key",
        merchant_id,
        [row["method"] for row in rows],
        [row["key"] for row in rows],
        [left(row["answer"]) for row in rows],
    )
