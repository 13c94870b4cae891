"""A customer is erased: everything that names the person goes, every record of the money stays."""

from dataclasses import astuple
from datetime import timedelta
from typing import Any

import pytest

from incasso.oneclick.v1 import events_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1 import shop_pb2
from libs import context, ids
from libs.bus import Event
from libs.clock import Clock
from libs.errors import InvalidArgument
from libs.idempotency import Key
from libs.retention import keep_to
from services.paylink import worker
from services.paylink.flows import carts
from services.paylink.flows.carts import CreateCart, RecoverCart
from services.paylink.retention import DISPUTABLE, KEPT
from services.paylink.rules.domain import LineItem, Recipient
from services.paylink.store.carts import CARTS
from services.paylink.worker import cart_worker
from tests.kit.payments_double import lose_answer
from tests.services.paylink.test_given import give_back
from tests.services.paylink.test_links import refused
from tests.services.paylink.world import Link, Try, World, token_of

PERSON = {"name": "Giulia Bianchi", "email": "Giulia@example.com", "phone": "+393331234567"}
TRACES = (b"giulia", b"bianchi", b"393331234567", b"203.0.113.7", b"firefox")
TABLES = (
    "links",
    "link_payments",
    "carts",
    "outbox",
    "idempotency_keys",
    "bank_transfers",
    "bank_transfer_moves",
)
AGED = {
    "links": "created_at",
    "link_payments": "created_at",
    "carts": "created_at",
    "bank_transfers": "created_at",
    "bank_transfer_moves": "made_at",
}
QUOTE = pb.Quote(title="Preventivo", text="Posa", version="1")


async def erase(world: World, customer_id: str = "cus_giulia") -> None:
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=world.merchant_id,
        aggregate_id=customer_id,
        subject="incasso.oneclick.customer.erased",
        body=events_pb2.CustomerErased(customer_id=customer_id).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    context.set_current(context.Call(merchant_id=world.merchant_id, actor="paylink"))
    async with world.db.transaction() as tx:
        await worker.handlers(world.deps)[event.subject](tx, event)


async def traces(world: World) -> set[tuple[str, bytes]]:
    """Where the person's data is still stored; the customer's id does not count, as it names no one."""
    found = set()
    for table in TABLES:
        rows = await world.rows(f"SELECT * FROM {table} WHERE merchant_id = $1", world.merchant_id)
        for row in rows:
            values = (value for value in row.values() if value != "cus_giulia")
            text = b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in values)
            text = text.replace(b"cus_giulia", b"").lower()
            found |= {(table, trace) for trace in TRACES if trace in text}
    return found


async def accepted(world: World, link: Any) -> None:
    sha = (await world.get(link)).quote.text_sha256
    await world.visit(
        "AcceptQuote",
        token=token_of(link),
        text_sha256=sha,
        ip="203.0.113.7",
        user_agent="Firefox/145",
    )


def a_cart(world: World, reference: str, minutes: int | None = None) -> tuple[CreateCart, Key]:
    cmd = CreateCart(
        reference=reference,
        recipient=Recipient("Giulia Bianchi", "giulia@EXAMPLE.com"),
        line_items=(LineItem("Scarpe", 1, 12900),),
        currency="EUR",
        locale="it",
        recover_after_minutes=minutes,
        metadata={"note": "di Giulia Bianchi"},
    )
    return cmd, Key(world.merchant_id, "CreateCart", ids.new("key"), b"hash")


async def test_erasing_a_customer_removes_all_personal_data(world: World):
    link = await world.sent_link(
        customer_id="cus_giulia",
        recipient=pb.Recipient(**PERSON),
        quote=QUOTE,
        metadata={"note": "per Giulia Bianchi"},
    )
    await accepted(world, link)
    payment = await world.pay(link, payer_email="giulia.bianchi@example.com")
    await world.visit("RateSatisfaction", token=token_of(link), use=payment.use, score=5)
    world.act()
    made = shop_pb2.Cart.FromString(await carts.create_cart(world.deps, *a_cart(world, "c-1")))
    await carts.create_cart(world.deps, *a_cart(world, "c-1"))  # reported again with another key
    key = Key(world.merchant_id, "RecoverCart", ids.new("key"), b"hash")
    await carts.recover_cart(world.deps, RecoverCart(made.id), key)
    text = f"{link.creditor_reference} da Giulia Bianchi"
    late = await world.transfer(100, text)
    await world.transfer(100, text, bank_reference=late.bank_reference)  # from another statement
    await give_back(world, late, note="Restituito a Giulia Bianchi")
    assert {table for table, _ in await traces(world)} == set(TABLES)
    before = await world.get(link)
    await erase(world)
    assert await traces(world) == set()
    left = await world.get(link)
    assert (left.state, left.paid_minor, left.amount) == (Link.STATE_PAID, 12900, before.amount)
    assert left.payment_id == before.payment_id
    assert left.quote.acceptance.accepted_at == before.quote.acceptance.accepted_at
    assert left.quote.acceptance.text_sha256 == before.quote.text_sha256
    assert [one.state for one in await world.tries(link)] == [Try.STATE_SUCCEEDED]


async def test_retention_anonymises_ended_links_and_keeps_open_ones(world: World):
    """Without any request."""
    link = await world.sent_link(recipient=pb.Recipient(**PERSON), quote=QUOTE)
    await accepted(world, link)
    await world.pay(link, payer_email="giulia.bianchi@example.com")
    world.act()
    await carts.create_cart(world.deps, *a_cart(world, "c-1"))
    late = await world.transfer(100, f"{link.creditor_reference} da Giulia Bianchi")
    await give_back(world, late, note="Restituito a Giulia Bianchi")
    open_link = await world.sent_link(recipient=pb.Recipient(**PERSON))
    assert await keep_to(world.deps.db, KEPT.rules) == 0
    for table, at in AGED.items():
        aged = f"UPDATE {table} SET {at} = {at} - $2::interval WHERE merchant_id = $1"
        await world.rows(aged, world.merchant_id, DISPUTABLE)
    assert await keep_to(world.deps.db, KEPT.rules) == len(AGED)
    left = await world.get(link)
    assert (left.state, left.paid_minor, left.recipient.email) == (Link.STATE_PAID, 12900, "")
    assert left.quote.acceptance.text_sha256
    assert not left.quote.acceptance.ip
    assert (await world.get(open_link)).recipient.email == PERSON["email"]
    tables = {table for table, _ in await traces(world)} - {"outbox", "idempotency_keys", "links"}
    assert tables <= {"carts"}, "its metadata stay until the customer is erased"


async def test_an_open_link_of_an_erased_customer_is_not_sent_but_can_be_paid(world: World):
    link = await world.sent_link(customer_id="cus_giulia", recipient=pb.Recipient(**PERSON))
    version = (await world.page(link)).version
    await erase(world)
    left = await world.get(link)
    assert left.state == Link.STATE_SENT
    assert not left.channels
    assert not left.HasField("next_reminder_at")
    assert (await world.page(link)).version > version
    await world.advance(days=10)
    await world.work()
    assert await world.reasons(link) == ["ISSUED"]
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID
    await erase(world)


async def test_a_link_of_an_erased_customer_still_expires(world: World):
    link = await world.sent_link(customer_id="cus_giulia", expires_in_days=3)
    await erase(world)
    await world.advance(days=3, minutes=1)
    await world.work()
    assert (await world.get(link)).state == Link.STATE_EXPIRED
    asked = world.visit("RequestNewLink", token=token_of(link))
    assert await refused(asked) == "payment_link_closed"


async def test_a_payment_in_flight_completes_after_its_customer_is_erased(world: World):
    link = await world.sent_link(customer_id="cus_giulia", recipient=pb.Recipient(**PERSON))
    world.payments.before["CreatePayment"] = lose_answer
    await world.pay(link, payer_email="giulia@example.com")
    await erase(world)
    world.payments.before.clear()
    await world.work()
    assert (await world.get(link)).state == Link.STATE_PAID
    assert await traces(world) == set()


async def test_erasing_a_customer_spares_guests_and_other_merchants(world: World, other: World):
    mine = await world.sent_link(customer_id="cus_giulia")
    guest = await world.sent_link()  # the same address, without a customer
    theirs = await other.sent_link(customer_id="cus_giulia")
    await erase(world)
    assert not (await world.get(mine)).recipient.email
    assert (await world.get(guest)).recipient.email == "giulia@example.com"
    assert (await other.get(theirs)).recipient.email == "giulia@example.com"
    await erase(other, "cus_nobody")
    assert (await other.get(theirs)).recipient.email == "giulia@example.com"


async def test_a_cart_of_an_erased_customer_is_not_recovered(world: World):
    await world.sent_link(customer_id="cus_giulia", recipient=pb.Recipient(**PERSON))
    world.act()
    made = shop_pb2.Cart.FromString(
        await carts.create_cart(world.deps, *a_cart(world, "c-1", minutes=60))
    )
    await erase(world)
    await world.advance(hours=2)
    await cart_worker(world.deps).run_once()
    world.act()
    async with world.deps.db.connection() as conn:
        left = await CARTS.get(conn, world.merchant_id, made.id)
    assert astuple(left.contents.recipient) == (None, None, None)
    assert left.payment_link_id is None
    key = Key(world.merchant_id, "RecoverCart", ids.new("key"), b"hash")
    with pytest.raises(InvalidArgument):
        await carts.recover_cart(world.deps, RecoverCart(made.id), key)
    await carts.complete_cart(world.deps, made.id)


async def test_a_link_for_an_erased_customer_is_refused(world: World):
    assert await refused(world.link(customer_id="cus_erased")) == "customer_erased"


async def test_erasing_removes_ip_and_user_agent_from_an_unpaid_quotes_acceptance(world: World):
    link = await world.sent_link(customer_id="cus_giulia", quote=QUOTE)
    await accepted(world, link)
    await erase(world)
    acceptance = (await world.get(link)).quote.acceptance
    assert not acceptance.HasField("ip")
    assert not acceptance.HasField("user_agent")
    age = Clock().now() - acceptance.accepted_at.ToDatetime(Clock().now().tzinfo)
    assert age < timedelta(minutes=1)
    await world.pay(link)
    assert (await world.get(link)).state == Link.STATE_PAID
