"""Consumers are sent the events that concern them, and handle those not known yet."""

from libs import bus as buses
from libs import consumer as consumers
from libs import context, relay
from tests.libs.test_events import SUBJECT, append, published, running
from tests.waiting import until


async def test_a_consumer_receives_events_of_its_route_and_events_without_a_route(database, bus):
    """Events without a route come from senders of the previous version."""
    seen, everything = [], []

    async def nothing_is_known(conn, events):
        return set()

    async def handle(conn, event):
        seen.append((event.subject, event.route))

    async def handle_all(conn, event):
        everything.append(event.route)

    routes = ["link.saved", "one_click.saved", "", "link.unsaved"]
    async with database.transaction() as conn:
        for route in routes:
            await append(conn, route=route)
    chosen = consumers.UnlessKnown(nothing_is_known, handle, "link.*")
    reader = consumers.Consumer("reader", database, bus, {SUBJECT: chosen})
    other = consumers.Consumer("other", database, bus, {SUBJECT: handle_all})
    await reader.set_up()
    async with running(relay.Relay(database, bus), reader, other):
        await until(lambda: len(everything) == len(routes) and len(seen) == 3)
    assert everything == routes
    assert seen == [(SUBJECT, "link.saved"), (SUBJECT, ""), (SUBJECT, "link.unsaved")]
    passed_on = await bus.js.consumer_info(buses.STREAM, "reader")
    assert passed_on.delivered.consumer_seq == 3


async def test_known_events_are_looked_up_by_batch_and_not_handled(database, bus):
    looks, handled = [], []

    async def known(conn, events):
        looks.append(len(events))
        return {event.event_id for event in events if event.body != b"new"}

    async def handle(conn, event):
        assert context.merchant_id() == "mer_a"
        handled.append(event.body)

    async with database.transaction() as conn:
        for body in (b"old", b"new", b"old", b"old"):
            await append(conn, body=body)
    async with running(relay.Relay(database, bus)):
        await until(lambda: published(database))
    handlers = {SUBJECT: consumers.UnlessKnown(known, handle, "link.*")}

    async def all_acknowledged():
        return (await bus.js.consumer_info(buses.STREAM, "reader")).ack_floor.stream_seq == 4

    reader = consumers.Consumer("reader", database, bus, handlers)
    await reader.set_up()
    async with running(reader):
        await until(all_acknowledged)
    assert (sum(looks), handled) == (4, [b"new"])
    assert len(looks) < 4  # one look per batch, however NATS splits them
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM inbox") == 4
