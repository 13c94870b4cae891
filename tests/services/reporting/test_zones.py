"""An entry's day is that of the merchant's zone, however and whenever reporting learns the zone."""

from datetime import UTC, datetime

import pytest

from incasso.cod.v1 import events_pb2 as cod
from incasso.common.v1.money_pb2 import Money
from incasso.merchants.v1 import events_pb2 as merchants
from incasso.merchants.v1 import merchants_pb2
from libs import client, context, wire
from libs.errors import ServiceUnavailable
from libs.merchants import Merchants
from services.reporting import worker
from services.reporting.flows.ingesting import Merchant, no_zone, zone_asker
from tests.kit import doubles
from tests.services.reporting.test_ledger import refusal
from tests.services.reporting.world import captured, payment, rows

HALF_PAST_MIDNIGHT = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)  # on 1 December, in Rome


def made(world, time_zone: str, kind=merchants.MerchantCreated):
    merchant = merchants_pb2.Merchant(id=world.merchant_id, time_zone=time_zone)
    return world.event(kind(merchant=merchant), about=world.merchant_id)


async def deliver(world, *events) -> None:
    """Handles events like the consumer while merchants is unavailable."""
    async with world.deps.db.transaction() as tx:
        await worker.handlers(no_zone)[events[0].subject].handle(tx, events)


async def days(world) -> list[str]:
    data = (await world.call("ListJournalEntries")).data
    return [day for (day,) in rows(data, "happened_on")]


async def test_a_sale_in_rome_at_half_past_midnight_is_booked_on_that_day(world):
    world.time_zone = "Europe/Rome"
    cash = cod.CodParcelCollected(
        courier_id="cou_1",
        collected=Money(amount_minor=1250, currency="EUR"),
        collected_at=wire.timestamp(HALF_PAST_MIDNIGHT),
    )
    await world.book(world.event(captured(payment()), at=HALF_PAST_MIDNIGHT), world.event(cash))
    assert await days(world) == ["2026-12-01"] * 2
    assert await world.balances(on="2026-11-30") == {}


async def test_a_month_is_over_by_the_merchants_time_zone(world):
    world.now = HALF_PAST_MIDNIGHT
    assert await refusal(world.call("ClosePeriod", month="2026-11")) == "period_not_over"
    await deliver(world, made(world, "Europe/Rome"))
    assert (await world.call("ClosePeriod", month="2026-11")).period.month == "2026-11"


async def test_an_event_is_not_booked_until_its_merchants_zone_is_known(world):
    sold = world.event(captured(payment()), at=HALF_PAST_MIDNIGHT)
    with pytest.raises(ServiceUnavailable):
        await deliver(world, sold)
    await deliver(world, sold, made(world, "Europe/Rome"))
    assert await days(world) == ["2026-12-01"]


@pytest.mark.parametrize(("first", "day"), [("Pacific/Auckland", "2026-12-01"), ("", "2026-11-30")])
async def test_a_merchants_first_zone_stays(world, first, day):
    """For a merchant created before zones existed, the event states none, which means UTC."""
    await deliver(world, made(world, first))
    await deliver(world, made(world, "Asia/Tokyo", merchants.MerchantUpdated))
    await deliver(world, world.event(captured(payment()), at=HALF_PAST_MIDNIGHT))
    assert await days(world) == [day]


async def test_an_unknown_zone_is_requested_from_merchants_only_once(world):
    played = doubles.Merchants()
    outside, target = await doubles.serve(played, doubles.OneClick(), doubles.Payments())
    channel = client.channel(target)
    handler = worker.handlers(zone_asker(Merchants(Merchant, channel)))[
        "incasso.payments.payment.captured"
    ]
    for _ in range(2):
        context.set_current(context.Call(actor="reporting"))
        async with world.deps.db.transaction() as tx:
            await handler.handle(tx, [world.event(captured(payment()), at=HALF_PAST_MIDNIGHT)])
    await channel.close()
    await outside.stop(1)
    assert (played.asked, await days(world)) == (1, ["2026-12-01"] * 2)
