"""Reminders, expiries and new addresses, by the merchant's own clock."""

import asyncio

import pytest

from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.payments.v1 import payments_pb2
from services.paylink import worker
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, World, at, token_of


async def test_reminders_go_out_after_one_three_and_seven_days(world: World):
    link = await world.sent_link()
    for days, count in ((0.9, 0), (0.2, 1), (1.5, 1), (0.5, 2), (4, 3), (20, 3)):
        await world.advance(days=days)
        await world.work()
        assert (await world.reasons(link)).count("REMINDER") == count, days
    assert not (await world.get(link)).HasField("next_reminder_at")


async def test_reminders_that_were_missed_do_not_come_in_a_heap(world: World):
    link = await world.sent_link()
    await world.advance(days=5)
    await world.work()
    assert await world.reasons(link) == ["ISSUED", "REMINDER"]


async def test_reminders_count_from_the_sending(world: World):
    link = await world.link()
    await world.advance(days=5)
    request = pb.SendPaymentLinkRequest(
        payment_link_id=link.id,
        channels=[pb.CHANNEL_EMAIL],
        recipient=pb.Recipient(email="giulia@example.com"),
    )
    sent = (await world.call("SendPaymentLink", request, key="k1")).payment_link
    assert (at(sent.next_reminder_at) - at(sent.sent_at)).days == 1


async def test_a_paid_link_is_not_reminded_of(world: World):
    link = await world.sent_link()
    await world.pay(link)
    await world.advance(days=8)
    await world.work()
    assert await world.reasons(link) == ["ISSUED"]


async def test_who_wants_no_reminders_gets_none(world: World):
    link = await world.sent_link()
    await world.visit("StopReminders", token=token_of(link))
    await world.visit("StopReminders", token=token_of(link))
    await world.advance(days=8)
    await world.work()
    assert await world.reasons(link) == ["ISSUED"]


async def test_workers_side_by_side_send_one_reminder(world: World):
    link = await world.sent_link()
    await world.advance(days=1, hours=1)
    workers = [worker.link_worker(world.deps) for _ in range(5)]
    await asyncio.gather(*(one.run_once() for one in workers))
    assert await world.reasons(link) == ["ISSUED", "REMINDER"]


async def test_a_link_ends_at_its_time(world: World):
    link = await world.sent_link(expires_in_days=2)
    await world.advance(days=2, seconds=1)
    assert await refused(world.pay(link)) == "payment_link_closed"
    assert (await world.page(link)).payment_link.state == Link.STATE_EXPIRED
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED
    assert (await world.subjects(link))[-1] == "expired"
    assert await refused(world.pay(link)) == "payment_link_closed"


async def test_a_link_that_wants_it_gets_a_new_address_once(world: World):
    link = await world.sent_link(expires_in_days=2, reissue_on_expiry=True)
    await world.advance(days=2, seconds=1)
    await world.work()
    again = await world.get(link)
    assert again.state == Link.STATE_SENT
    assert again.url != link.url
    assert again.reissues == 1
    assert await world.reasons(link) == ["ISSUED", "REMINDER", "REISSUED"][::2]
    assert await refused(world.page(link)) == "payment_link_not_found"
    await world.advance(days=2, seconds=1)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED


async def test_a_merchant_gives_a_new_address_and_a_new_end(world: World):
    link = await world.sent_link(expires_in_days=2)
    await world.advance(days=3)
    await world.work()
    request = pb.ReissuePaymentLinkRequest(payment_link_id=link.id, expires_in_days=10)
    fresh = (await world.call("ReissuePaymentLink", request, key="k1")).payment_link
    assert (await world.call("ReissuePaymentLink", request, key="k1")).payment_link == fresh
    assert fresh.state == Link.STATE_SENT
    assert await world.reasons(link) == ["ISSUED", "REISSUED"]
    assert await refused(world.page(link)) == "payment_link_not_found"
    await world.pay(fresh)
    again = world.call("ReissuePaymentLink", request, key="k2")
    assert await refused(again) == "payment_link_closed"


async def test_a_shopper_asks_for_a_new_link_once_a_day(world: World):
    link = await world.sent_link(expires_in_days=1)
    early = world.visit("RequestNewLink", token=token_of(link))
    assert await refused(early) == "payment_link_closed"
    await world.advance(days=1, seconds=1)
    assert (await world.page(link)).new_link_recipient == "g•••@example.com"
    answer = await world.visit("RequestNewLink", token=token_of(link))
    assert answer.recipient == "g•••@example.com"
    fresh = await world.get(link)
    assert fresh.state == Link.STATE_SENT
    assert await world.reasons(link) == ["ISSUED", "REISSUED"]


async def test_new_links_are_not_sent_in_a_row(world: World):
    link = await world.sent_link(expires_in_days=1)
    await world.advance(days=1, seconds=1)
    await world.visit("RequestNewLink", token=token_of(link))
    fresh = await world.get(link)
    await world.rows(  # so that it expires within a day
        "UPDATE links SET expires_at = issued_at + interval '1 second' WHERE id = $1", link.id
    )
    await world.advance(seconds=2)
    again = world.visit("RequestNewLink", token=token_of(fresh))
    assert await refused(again) == "reissued_lately"


async def test_an_expired_link_without_a_recipient_has_no_new_one(world: World):
    link = await world.link(expires_in_days=1)
    await world.advance(days=1, seconds=1)
    assert not (await world.page(link)).HasField("new_link_recipient")
    asked = world.visit("RequestNewLink", token=token_of(link))
    assert await refused(asked) == "payment_link_closed"


@pytest.mark.parametrize("end", ["paid", "cancelled", "expired"])
async def test_an_address_outlives_its_link_by_ninety_days(world: World, end: str):
    link = await world.sent_link(expires_in_days=1)
    if end == "paid":
        await world.pay(link)
    elif end == "cancelled":
        request = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
        await world.call("CancelPaymentLink", request)
    else:
        await world.advance(days=1, seconds=1)
        await world.work()
    await world.advance(days=89)
    await world.page(link)
    await world.advance(days=1, seconds=1)
    assert await refused(world.page(link)) == "payment_link_not_found"


async def test_the_last_payer_of_a_link_whose_time_is_over_has_used_it_up(world: World):
    link = await world.link(reusable=True, max_uses=1, expires_in_days=1)
    world.payments.state = payments_pb2.Payment.STATE_REQUIRES_ACTION
    payment = await world.pay(link)
    await world.advance(days=1, minutes=1)
    while await worker.link_worker(world.deps).run_once():
        pass
    assert (await world.get(link)).state == Link.STATE_EXPIRED
    paid = world.payments.payment(payment.link_payment.payment_id)
    paid.state = payments_pb2.Payment.STATE_CAPTURED
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_no_message_leads_to_a_link_whose_time_is_over(world: World):
    link = await world.sent_link(expires_in_days=1)
    request = pb.GetPaymentLinkAddressRequest(payment_link_id=link.id)
    assert (await world.call("GetPaymentLinkAddress", request)).url == link.url
    await world.advance(days=1, minutes=1)  # no worker has run
    assert await refused(world.call("GetPaymentLinkAddress", request)) == "payment_link_closed"
