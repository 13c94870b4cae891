"""Links to pay a missed part of an instalment plan: created and closed at instalments' request."""

import asyncio

from incasso.paylink.v1 import events_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.payments.v1 import payments_pb2
from tests.kit.payments_double import money
from tests.services.paylink.test_links import refused
from tests.services.paylink.test_worker import deliver
from tests.services.paylink.world import Link, World

State = payments_pb2.Payment


def request(**more):
    fields = {
        "plan_id": "pln_1",
        "instalment_number": 2,
        "amount": money(5333),
        "description": "Rata 2 di 3, ordine A-1001",
        "order_reference": "A-1001",
        "customer_id": "cus_giulia",
        "locale": "it",
        **more,
    }
    return pb.CreateInstalmentLinkRequest(**fields)


async def made(world: World, *, key: str = "ilk_1", **more):
    """A new link, with its address."""
    answer = await world.call("CreateInstalmentLink", request(**more), key=key)
    return await world.get(answer.payment_link)


async def close(world: World, link, *, paid_otherwise: bool = True):
    asked = pb.CloseInstalmentLinkRequest(payment_link_id=link.id, paid_otherwise=paid_otherwise)
    return (await world.call("CloseInstalmentLink", asked)).payment_link


async def test_concurrent_requests_with_one_key_create_one_unsent_link(world: World):
    links = await asyncio.gather(*(made(world) for _ in range(3)), return_exceptions=True)
    links = [one for one in links if not isinstance(one, BaseException)] + [await made(world)]
    assert len({link.id for link in links}) == 1
    link = links[0]
    assert (link.plan_id, link.instalment_number) == ("pln_1", 2)
    assert (link.origin, link.state) == (Link.ORIGIN_INSTALMENT, Link.STATE_CREATED)
    assert list(link.methods) == [pb.METHOD_CARD]
    assert not link.channels
    assert not link.reminder_days
    assert await world.subjects(link) == ["created"]


async def test_a_credit_link_carries_its_legal_texts_to_its_page_and_messages(
    world: World,
):
    law = {"warning": "Borrowing costs.", "representative_example": "Credit of €160.00."}
    link = await made(world, **law)
    shown = [link, (await world.page(link)).payment_link]
    sent = {"channels": [pb.CHANNEL_SMS], "recipient": pb.Recipient(phone="+393331234567")}
    asked = pb.SendPaymentLinkRequest(payment_link_id=link.id, **sent)
    shown.append((await world.call("SendPaymentLink", asked, key="send")).payment_link)
    for one in shown:
        assert {name: getattr(one, name) for name in law} == law
    (row,) = await world.rows(
        "SELECT body FROM outbox WHERE aggregate_id = $1 AND subject LIKE '%.message_requested'",
        link.id,
    )
    requested = events_pb2.PaymentLinkMessageRequested.FromString(row["body"])
    assert requested.payment_link.warning == law["warning"]
    assert not (await made(world, key="ilk_2")).HasField("warning")


async def test_an_instalment_link_does_not_count_against_the_quota(world: World):
    world.merchants.quotas[world.merchant_id] = {"links_per_month": 0}
    assert (await made(world)).id


async def test_an_instalment_link_for_an_erased_customer_is_refused(world: World):
    assert await refused(made(world, customer_id="cus_erased")) == "customer_erased"


async def test_paying_the_link_pays_its_part_and_routes_the_event_to_instalments(world: World):
    link = await made(world)
    await world.pay(link, 5333)
    (asked,) = world.payments.calls["CreatePayment"]
    assert (asked.order_reference, asked.order_part) == ("A-1001", "instalment:2")
    assert (await world.get(link)).state == Link.STATE_PAID
    (row,) = await world.rows(
        "SELECT route, subject FROM outbox WHERE aggregate_id = $1 AND subject LIKE '%.paid'",
        link.id,
    )
    assert (row["route"], row["subject"]) == ("instalment", "incasso.paylink.payment_link.paid")


async def test_a_link_closed_as_paid_otherwise_says_so_and_takes_no_money(world: World):
    link = await made(world)
    for _ in range(2):  # closing it again changes nothing
        closed = await close(world, link)
        assert (closed.state, closed.paid_otherwise) == (Link.STATE_CANCELLED, True)
    assert (await world.page(link)).payment_link.paid_otherwise
    assert await refused(world.pay(link, 5333)) == "payment_link_closed"
    assert not world.payments.books


async def test_a_replaced_link_does_not_claim_that_its_part_is_paid(world: World):
    closed = await close(world, await made(world), paid_otherwise=False)
    assert (closed.state, closed.paid_otherwise) == (Link.STATE_CANCELLED, False)


async def test_closing_the_link_cancels_its_pending_challenge(world: World):
    link = await made(world)
    world.payments.state = State.STATE_REQUIRES_ACTION
    await world.pay(link, 5333)
    assert (await close(world, link)).state == Link.STATE_CANCELLED
    (payment,) = world.payments.books.values()
    assert payment.state == State.STATE_CANCELLED


async def test_a_link_that_is_being_paid_or_paid_cannot_be_closed(world: World):
    link = await made(world)
    world.payments.state = State.STATE_PENDING
    await world.pay(link, 5333)
    assert await refused(close(world, link)) == "payment_link_paying"
    (payment,) = world.payments.books.values()
    await deliver(world, payment, State.STATE_CAPTURED)
    assert await refused(close(world, link)) == "payment_link_closed"
    assert (await world.get(link)).state == Link.STATE_PAID


async def test_another_merchant_cannot_close_the_link(world: World):
    link = await made(world)
    ours, world.merchant_id = world.merchant_id, "mer_other"
    assert await refused(close(world, link)) == "payment_link_not_found"
    world.merchant_id = ours
    assert (await world.get(link)).state == Link.STATE_CREATED
