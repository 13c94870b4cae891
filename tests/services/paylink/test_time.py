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


async def test_missed_reminders_are_sent_as_one(world: World):
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


async def test_a_paid_link_sends_no_reminders(world: World):
    link = await world.sent_link()
    await world.pay(link)
    await world.advance(days=8)
    await world.work()
    assert await world.reasons(link) == ["ISSUED"]


async def test_no_reminders_are_sent_after_the_recipient_stops_them(world: World):
    link = await world.sent_link()
    await world.visit("StopReminders", token=token_of(link))
    await world.visit("StopReminders", token=token_of(link))
    await world.advance(days=8)
    await world.work()
    assert await world.reasons(link) == ["ISSUED"]


async def test_concurrent_workers_send_one_reminder(world: World):
    link = await world.sent_link()
    await world.advance(days=1, hours=1)
    workers = [worker.link_worker(world.deps) for _ in range(5)]
    await asyncio.gather(*(one.run_once() for one in workers))
    assert await world.reasons(link) == ["ISSUED", "REMINDER"]


async def test_a_link_expires_on_time_even_before_the_worker_runs(world: World):
    link = await world.sent_link(expires_in_days=2)
    await world.advance(days=2, seconds=1)
    assert await refused(world.pay(link)) == "payment_link_closed"
    assert (await world.page(link)).payment_link.state == Link.STATE_EXPIRED
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED
    assert (await world.subjects(link))[-1] == "expired"
    assert await refused(world.pay(link)) == "payment_link_closed"


async def test_a_link_is_reissued_automatically_only_once(world: World):
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


async def test_a_merchant_can_reissue_an_expired_link_until_it_is_paid(world: World):
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


async def test_a_shopper_can_request_a_new_link_only_after_expiry(world: World):
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


async def test_requesting_another_new_link_within_a_day_is_refused(world: World):
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


async def test_no_new_link_can_be_requested_without_a_recipient(world: World):
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


async def test_a_challenge_passed_after_expiry_pays_a_reusable_links_last_use(world: World):
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


async def test_the_address_of_an_expired_link_is_refused_before_the_worker_runs(world: World):
    link = await world.sent_link(expires_in_days=1)
    request = pb.GetPaymentLinkAddressRequest(payment_link_id=link.id)
    assert (await world.call("GetPaymentLinkAddress", request)).url == link.url
    await world.advance(days=1, minutes=1)  # no worker has run
    assert await refused(world.call("GetPaymentLinkAddress", request)) == "payment_link_closed"
