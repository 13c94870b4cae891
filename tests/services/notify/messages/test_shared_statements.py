"""Messages sent at the same time share statements, and each keeps its own outcome."""

import asyncio
from dataclasses import replace
from typing import Any

from incasso.oneclick.v1 import oneclick_pb2
from libs import ids
from libs.errors import RemoteRefusal
from libs.queues import Room
from services.notify.messages.flows.record import record_outcome
from services.notify.messages.rules import retry
from services.notify.messages.rules.domain import Channel, DeliveryReport, Event, SuppressionReason
from services.notify.messages.rules.outcomes import Accepted, Refused
from services.notify.messages.store import attempts, reports
from tests.kit.counting import Counting
from tests.services.notify.messages.world import World


async def claimed(world: World, count: int) -> list[Any]:
    for _ in range(count):
        await world.ask()
    async with world.db.connection() as conn:
        room = Room(count, count)
        found = await attempts.claim(conn, room, channels=[Channel.EMAIL], lease=retry.LEASE)
    world.act()
    return [due.message for due in found]


async def test_concurrent_outcomes_are_recorded_in_one_transaction(world: World):
    sent, bounced, refused = await claimed(world, 3)
    report = DeliveryReport(Event.BOUNCE, "no such mailbox", SuppressionReason.BOUNCED)
    async with world.db.connection() as conn:
        await reports.keep(conn, bounced.id, report)
    counting = Counting(world.db)
    deps = replace(world.deps, db=counting)
    await asyncio.gather(
        record_outcome(deps, sent, Accepted("250 ok")),
        record_outcome(deps, bounced, Accepted(None)),
        record_outcome(deps, refused, Refused("550 no")),
    )
    assert counting.transactions == 1
    async with world.db.connection() as conn:
        rows = await conn.fetch("SELECT id, state, error FROM messages")
        kept = await conn.fetchval("SELECT count(*) FROM provider_notices")
    outcomes = {row["id"]: (row["state"], row["error"]) for row in rows}
    assert outcomes[sent.id] == ("sent", None)
    assert outcomes[bounced.id] == ("bounced", "no such mailbox")
    assert outcomes[refused.id] == ("failed", "550 no")
    assert kept == 0


async def test_a_stale_attempt_does_not_prevent_recording_another(world: World):
    ours, lost = await claimed(world, 2)
    late = replace(lost, attempts=lost.attempts + 1)
    outcomes = [record_outcome(world.deps, each, Accepted(None)) for each in (ours, late)]
    await asyncio.gather(*outcomes)
    async with world.db.connection() as conn:
        rows = await conn.fetch("SELECT id, state FROM messages")
    assert {row["id"]: row["state"] for row in rows} == {ours.id: "sent", lost.id: "sending"}


async def test_concurrent_contact_lookups_share_one_call(world: World):
    known = [ids.new("cus") for _ in range(3)]
    for customer_id in known:
        world.neighbours.customers[customer_id] = oneclick_pb2.Customer(
            id=customer_id, email=f"{customer_id}@example.com"
        )
    nobody = ids.new("cus")
    world.act()
    asked = (world.deps.customers.contact(customer_id) for customer_id in (*known, nobody))
    found = await asyncio.gather(*asked)
    assert [contact and contact.address for contact in found] == [
        *(f"{customer_id}@example.com" for customer_id in known),
        None,
    ]
    assert world.neighbours.calls["GetContacts"] == 1


async def test_an_outage_fails_every_waiting_contact_lookup(world: World):
    world.neighbours.away = {"GetContacts"}
    world.act()
    asked = (world.deps.customers.contact(ids.new("cus")) for _ in range(2))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in found] == [RemoteRefusal] * 2
