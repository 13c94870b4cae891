"""The previous version keeps running on the new schema, and the new version finds all its messages."""

import shutil
from pathlib import Path

import pytest

from libs import schema
from tests.kit.connections import connected

MIGRATIONS = sorted(Path("services/notify/migrations").glob("*.sql"))
MESSAGE = """
INSERT INTO messages (merchant_id, id, state, kind, channel, recipient, locale, event_id, about,
    created_at, due_at)
VALUES ('mer_1', $1, $2, 'receipt', 'email', 'giulia@example.com', 'it', $1, '{}', now(), $3)"""
DUE = "SELECT id FROM due_messages WHERE due_at <= now() ORDER BY id"


async def migrated(url: str, folder: Path, *, before: str, after: str = "") -> None:
    for path in MIGRATIONS:
        if after < path.name < before:
            shutil.copy(path, folder)
    await schema.migrate(url, "notify", folder)


@pytest.fixture
async def old(new_database, tmp_path):
    """The previous version's database, migrated: two due messages, one of them in progress."""
    url = new_database()
    await migrated(url, tmp_path, before="0008")
    async with connected(url) as conn:
        now = await conn.fetchval("SELECT now()")
        await conn.execute(MESSAGE, "msg_1", "queued", now)
        await conn.execute(MESSAGE, "msg_2", "sending", now)
        await conn.execute(MESSAGE, "msg_3", "sent", None)
        await migrated(url, tmp_path, before="0009", after="0008")
        yield conn


async def due(conn) -> list[str]:
    return [row["id"] for row in await conn.fetch(DUE)]


async def test_due_messages_stay_due_for_the_new_version_only(old):
    assert await due(old) == ["msg_1", "msg_2"]
    assert await old.fetch("SELECT FROM messages WHERE due_at <= now()") == []


async def test_a_message_queued_by_the_previous_version_is_due(old):
    await old.execute(MESSAGE, "msg_4", "queued", await old.fetchval("SELECT now()"))
    assert await due(old) == ["msg_1", "msg_2", "msg_4"]
    assert await old.fetch("SELECT FROM messages WHERE due_at <= now()") == []


async def test_an_attempt_recorded_by_the_previous_version_updates_when_it_is_due(old):
    end = "UPDATE messages SET state = $1, due_at = $2 WHERE id = 'msg_2'"
    await old.execute(end, "sending", await old.fetchval("SELECT now() + interval '1 minute'"))
    assert await due(old) == ["msg_1"]  # its lease
    await old.execute(end, "queued", await old.fetchval("SELECT now()"))
    assert await due(old) == ["msg_1", "msg_2"]  # postponed
    await old.execute(end, "sent", None)
    assert await due(old) == ["msg_1"]


async def test_a_message_erased_by_the_previous_version_while_sending_stays_due(old):
    await old.execute(
        "UPDATE messages SET recipient = '', due_at = CASE WHEN state = 'queued' THEN NULL"
        " ELSE due_at END, state = CASE WHEN state = 'queued' THEN 'obsolete' ELSE state END"
    )
    assert await due(old) == ["msg_2"]
