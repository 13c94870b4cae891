"""Answers of other services are cached until they change, which every replica hears, and used stale in an outage."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from libs import bus as buses
from libs import ids, relay
from libs.bus import Event
from libs.errors import OutcomeUnknown, ServiceUnavailable
from libs.remote_cache import MAX_ENTRIES, OUTAGE_SECONDS, RemoteCache
from tests.waiting import until

SUBJECT = "incasso.test.thing.changed"


class Other:
    """The other service: its answer, and how often it was asked."""

    def __init__(self, value: str = "old") -> None:
        self.value = value
        self.asked = 0
        self.away = False

    async def ask(self) -> str:
        self.asked += 1
        if self.away:
            raise OutcomeUnknown
        return self.value


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def answers(now) -> RemoteCache[str]:
    return RemoteCache(fresh_seconds=60, seconds=lambda: now[0])


async def test_an_answer_is_cached_while_fresh(answers, now):
    other = Other()
    for _ in range(3):
        assert await answers.get("a", other.ask) == "old"
    assert other.asked == 1
    other.value, now[0] = "new", 60.0
    assert await answers.get("a", other.ask) == "new"


async def test_an_invalidated_answer_is_requested_again(answers):
    other = Other()
    await answers.get("a", other.ask)
    other.value = "new"
    answers.invalidate("b")
    assert await answers.get("a", other.ask) == "old"
    answers.invalidate("a")
    assert await answers.get("a", other.ask) == "new"


async def test_an_answer_requested_before_an_invalidation_is_not_taken_as_fresh(answers):
    other, may_answer = Other(), asyncio.Event()

    async def slow() -> str:
        answer = await other.ask()
        await may_answer.wait()
        return answer

    asking = asyncio.create_task(answers.get("a", slow))
    await asyncio.sleep(0)
    other.value = "new"
    answers.invalidate("a")
    may_answer.set()
    assert await asking == "old"
    assert await answers.get("a", other.ask) == "new"


async def test_during_an_outage_the_stale_answer_is_used_without_asking_each_time(answers, now):
    other = Other()
    await answers.get("a", other.ask)
    answers.invalidate("a")
    other.away = True
    for _ in range(3):
        assert await answers.get("a", other.ask) == "old"
    assert other.asked == 2
    now[0] += OUTAGE_SECONDS
    other.away, other.value = False, "new"
    assert await answers.get("a", other.ask) == "new"


async def test_an_outage_without_a_cached_answer_is_an_error(answers):
    other = Other()
    other.away = True
    with pytest.raises(ServiceUnavailable):
        await answers.get("a", other.ask)
    with pytest.raises(ServiceUnavailable):
        await answers.refresh("a", other.ask)


async def test_memory_is_bounded(answers):
    other = Other()
    for number in range(MAX_ENTRIES + 10):
        await answers.get(str(number), other.ask)
    assert len(answers._entries) == MAX_ENTRIES


async def test_every_replica_receives_an_event(fresh_nats_url):
    """An event may be missed while a connection is lost, so events are published until all replicas have received one."""
    received: dict[str, set[str]] = {"one": set(), "two": set()}
    async with AsyncExitStack() as closing:
        replicas = [await buses.connect(fresh_nats_url, service="test") for _ in received]
        for replica, events in zip(replicas, received.values(), strict=True):
            closing.push_async_callback(replica.close)
            await replica.listen(SUBJECT, lambda event, events=events: events.add(event.event_id))

        async def all_have_received_the_same() -> bool:
            await relay.publish(replicas[0], event_of_a_thing())
            return bool(set.intersection(*received.values()))

        await until(all_have_received_the_same, every_seconds=0.1)


def event_of_a_thing() -> Event:
    return Event(
        event_id=ids.new("evt"),
        merchant_id="mer_a",
        aggregate_id="thing",
        subject=SUBJECT,
        body=b"body",
        traceparent="",
        occurred_at=datetime.now(UTC),
    )
