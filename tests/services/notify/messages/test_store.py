"""Due messages, and the columns that each step of an attempt writes."""

import asyncio

from libs.pages import Page
from libs.queues import Room
from services.notify.messages.rules import retry
from services.notify.messages.rules.domain import Channel, State
from services.notify.messages.store import attempts, messages
from services.notify.messages.store.messages import MessageFilter
from tests.kit.indexes import changed, indexed
from tests.services.notify.messages.test_events import captured, customer
from tests.services.notify.messages.world import World
from tests.waiting import HANGING_SECONDS


async def receipt(world: World) -> None:
    """A receipt whose recipient is not known yet: the longest path."""
    await captured(world, customer_id=customer(world))


async def test_sending_a_mail_changes_no_indexed_column(world: World):
    await receipt(world)
    queued = await world.row()
    async with world.db.connection() as conn:
        in_indexes = await indexed(conn, "messages")
    assert {"merchant_id", "created_at", "listed_state", "forgotten"} <= set(in_indexes)
    await world.turn()
    sent = await world.row()
    assert (sent["state"], sent["recipient"]) == ("sent", "mario@example.com")
    assert sent["provider_reference"]
    assert set(changed(queued, sent)) & set(in_indexes) == set()


async def test_a_sent_message_is_no_longer_due(world: World):
    await receipt(world)
    await world.turn()
    async with world.db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM due_messages") == 0


async def test_a_claim_skips_locked_messages_without_waiting(world: World):
    await receipt(world)
    async with world.db.transaction() as held, world.db.connection() as conn:
        await held.execute("UPDATE messages SET error = 'written'")
        async with asyncio.timeout(HANGING_SECONDS):
            claim = attempts.claim(conn, Room(9, 9), channels=list(Channel), lease=retry.LEASE)
            assert await claim == []
    assert (await world.row())["attempts"] == 0
    await world.turn()
    assert await world.states() == ["sent"]


async def test_a_leased_message_cannot_be_claimed_again(world: World):
    await receipt(world)
    async with world.db.connection() as conn:
        first = await attempts.claim(conn, Room(9, 9), channels=list(Channel), lease=retry.LEASE)
        again = await attempts.claim(conn, Room(9, 9), channels=list(Channel), lease=retry.LEASE)
    assert (len(first), again) == (1, [])
    assert first[0].message.due_at is not None


async def test_messages_can_be_listed_by_each_state(world: World):
    await receipt(world)
    async with world.db.connection() as conn:
        for state in State:
            await conn.execute("UPDATE messages SET state = $1", state.value)
            for wanted in State:
                page = Page(9, "msg_~")
                chosen = MessageFilter(wanted, None, None, None, None)
                found = await messages.page(conn, world.merchant_id, page, chosen)
                assert len(found.rows) == (wanted is state)
