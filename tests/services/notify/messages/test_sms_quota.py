"""Text messages are counted when they cost money, and no more are sent than the plan allows."""

import asyncio
from datetime import timedelta

import pytest

from incasso.notify.v1 import events_pb2
from incasso.notify.v1 import messages_pb2 as pb
from incasso.paylink.v1 import paylink_pb2
from libs import clock
from services.notify.messages import events, worker
from services.notify.messages.rules import quotas
from tests.services.notify.messages.world import World

USED_UP = 'the plan "basic" allows 5 text messages a month (sms_per_month); they are used up'


@pytest.fixture
def limited(world: World) -> World:
    """Five text messages a month."""
    world.neighbours.merchant.plan = "basic"
    world.neighbours.merchant.quotas["sms_per_month"] = 5
    return world


async def published(world: World) -> list[events_pb2.SmsQuotaReached]:
    async with world.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT body FROM outbox WHERE merchant_id = $1 AND subject = $2 ORDER BY seq",
            world.merchant_id,
            events.SUBJECT,
        )
    return [events_pb2.SmsQuotaReached.FromString(row["body"]) for row in rows]


async def test_concurrent_workers_send_no_more_than_the_quota(limited: World):
    for _ in range(8):
        await limited.ask_sms()
    workers = [worker.phone_worker(limited.deps) for _ in range(4)]
    await asyncio.gather(*(one.run_once() for one in workers))
    await limited.turn()
    assert sorted(await limited.states()) == ["refused"] * 3 + ["sent"] * 5
    assert len(limited.sms.taken) == 5
    refused = [row for row in await limited.rows() if row["state"] == "refused"]
    assert {row["error"] for row in refused} == {USED_UP}
    answer = await limited.call("GetMessage", pb.GetMessageRequest(message_id=refused[0]["id"]))
    assert (answer.message.state, answer.message.error) == (pb.Message.STATE_REFUSED, USED_UP)
    usage = await limited.call("GetSmsUsage", pb.GetSmsUsageRequest())
    month = quotas.month_of(limited.deps.clock.now())
    assert (usage.used, usage.month) == (5, f"{month:%Y-%m}")


async def test_an_event_is_published_at_80_and_at_100_percent_of_the_quota(limited: World):
    for _ in range(7):
        await limited.ask_sms()
        await limited.turn()
    assert [(one.percent, one.used, one.limit, one.plan) for one in await published(limited)] == [
        (80, 4, 5, "basic"),
        (100, 5, 5, "basic"),
    ]


async def test_a_message_counts_once_however_many_attempts_it_takes(limited: World):
    limited.sms.script = [(429, {}, {}), (503, {}, {}), "drop"]
    await limited.ask_sms()
    for _ in range(5):
        await limited.turn()
        await limited.due()
    assert await limited.states() == ["sent"]
    for _ in range(4):
        await limited.ask_sms()
    await limited.turn()
    assert await limited.states() == ["sent"] * 5


async def test_the_quota_resets_next_month_by_the_merchants_clock(limited: World):
    limited.neighbours.merchant.quotas["sms_per_month"] = 1
    for _ in range(2):
        await limited.ask_sms()
        await limited.turn()
    async with limited.db.transaction() as conn:
        await clock.follow(conn, limited.merchant_id, int(timedelta(days=32).total_seconds()))
    await limited.ask_sms()
    await limited.turn()
    assert await limited.states() == ["sent", "refused", "sent"]


async def test_another_merchants_messages_do_not_count(limited: World, other: World):
    limited.neighbours.merchant.quotas["sms_per_month"] = 1
    for world in (limited, other):
        await world.ask_sms()
        await world.turn()
        assert await world.states() == ["sent"]


async def test_a_quota_of_zero_refuses_a_message(limited: World):
    limited.neighbours.merchant.quotas["sms_per_month"] = 0
    await limited.ask_sms()
    await limited.turn()
    assert await limited.states() == ["refused"]


async def test_without_a_quota_nothing_is_refused_or_reported(world: World):
    for _ in range(3):
        await world.ask_sms()
    await world.ask(world.link(channels=[paylink_pb2.CHANNEL_WHATSAPP]))
    await world.turn()
    assert await world.states() == ["sent"] * 4
    assert await published(world) == []


async def test_a_refused_message_can_be_resent_after_a_plan_upgrade(limited: World):
    limited.neighbours.merchant.quotas["sms_per_month"] = 0
    await limited.ask_sms()
    await limited.turn()
    refused = await limited.row()
    limited.neighbours.merchant.quotas["sms_per_month"] = 5
    limited.deps.merchants.invalidate(limited.merchant_id)
    await limited.call("ResendMessage", pb.ResendMessageRequest(message_id=refused["id"]), key="k")
    await limited.turn()
    assert await limited.states() == ["refused", "sent"]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 7, 100, 2000])
def test_each_quota_threshold_is_reached_once_whatever_the_limit(most: int):
    thresholds = [percent for used in range(1, most + 1) if (percent := quotas.reached(used, most))]
    assert thresholds == ([100] if most < 5 else [80, 100])
