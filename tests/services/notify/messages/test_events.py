"""Which event leads to which message, and to whom."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from incasso.oneclick.v1 import events_pb2 as oneclick_events
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payment_events
from libs import ids
from libs.bus import Event
from libs.consumer import BatchHandler, Handler
from services.notify import worker
from services.notify.messages.rules.domain import FINAL, INITIAL, TRANSITIONS, State
from tests.services.notify.messages.neighbours import money
from tests.services.notify.messages.world import Requested, World


def customer(world: World, **contact) -> str:
    customer_id = ids.new("cus")
    values = {"email": "mario@example.com", "name": "Mario Verdi", "locale": "en", **contact}
    world.neighbours.customers[customer_id] = oneclick_pb2.Customer(
        id=customer_id, state=oneclick_pb2.Customer.STATE_ACTIVE, **values
    )
    return customer_id


async def captured(world: World, **changes) -> None:
    payload = payment_events.PaymentCaptured(payment=world.payment(**changes), amount_minor=5000)
    await world.happen(world.event("payments.payment.captured", payload))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Requested.REASON_ISSUED, "link"),
        (Requested.REASON_REMINDER, "link_reminder"),
        (Requested.REASON_REISSUED, "link_reissued"),
        (Requested.REASON_CART, "cart"),
        (Requested.REASON_BALANCE, "balance"),
    ],
)
async def test_a_link_makes_one_message_per_channel(world: World, reason: int, kind: str):
    every = [paylink_pb2.CHANNEL_EMAIL, paylink_pb2.CHANNEL_SMS, paylink_pb2.CHANNEL_WHATSAPP]
    await world.ask(world.link(channels=every), reason)
    rows = await world.rows()
    assert sorted((row["channel"], row["kind"], row["recipient"]) for row in rows) == [
        ("email", kind, "giulia@example.com"),
        ("sms", kind, "+393331234567"),
        ("whatsapp", kind, "+393331234567"),
    ]
    assert "pay.example" not in str([dict(row) for row in rows])


async def test_no_message_is_made_without_an_address_or_a_known_reason(world: World):
    link = world.link(
        recipient=paylink_pb2.Recipient(email="g@example.com"), channels=[paylink_pb2.CHANNEL_SMS]
    )
    await world.ask(link)
    await world.ask(reason=99)
    assert await world.rows() == []


async def test_a_links_receipt_goes_to_the_payers_email_or_else_the_recipients(world: World):
    link = world.link()
    await world.paid(link, payment_id="pay_1")
    await world.paid(link, payer_email="other@example.com")
    await world.turn()
    assert sorted(one.rcpt_tos for one in world.mail.inbox) == [
        ["giulia@example.com"],
        ["other@example.com"],
    ]
    assert [row["kind"] for row in await world.rows()] == ["receipt", "receipt"]
    assert world.neighbours.calls["GetPaymentLinkAddress"] == 0


async def test_without_an_email_the_receipt_goes_by_sms_if_the_link_did(world: World):
    phone = paylink_pb2.Recipient(phone="+393331234567")
    await world.paid(world.link(recipient=phone, channels=[paylink_pb2.CHANNEL_SMS]))
    await world.paid(world.link(recipient=phone, channels=[]))
    await world.turn()
    assert [one["body"] for one in world.sms.taken] == [
        "Ottica Rossi: pagamento di EUR 129,00 per Occhiali ricevuto. Grazie!"
    ]


async def test_a_reusable_links_receipt_goes_only_to_a_payer_who_left_an_email(world: World):
    link = world.link(reusable=True)
    await world.paid(link)
    assert await world.rows() == []
    await world.paid(link, payer_email="other@example.com")
    await world.turn()
    assert "Giulia" not in str(world.mail.letters[0])


async def test_a_one_click_payment_is_confirmed_to_the_customer(world: World):
    await captured(world, customer_id=customer(world))
    await world.turn()
    (letter,) = world.mail.letters
    assert letter["To"] == "Mario Verdi <mario@example.com>"
    assert letter["Subject"] == "Ottica Rossi: payment of €50.00 received"
    assert (await world.row())["recipient"] == "mario@example.com"


async def test_a_links_payment_is_not_confirmed_twice(world: World):
    link = world.link()
    await world.paid(link, payment_id="pay_1")
    await captured(world, id="pay_1", method="link")
    assert len(await world.rows()) == 1


@pytest.mark.parametrize("contact", [{"email": None}, {"state": 2, "email": None}, None])
async def test_a_receipt_without_a_known_address_becomes_obsolete(
    world: World, contact: dict | None
):
    known = "cus_none"
    if contact is not None:
        known = customer(world)
        changed = world.neighbours.customers[known]
        changed.ClearField("email")
        changed.state = contact.get("state", changed.state)
    await captured(world, customer_id=known)
    await world.turn()
    row = await world.row()
    assert (row["state"], row["error"]) == ("obsolete", "no recipient: no address is known")


async def test_a_refund_notice_goes_to_the_receipts_recipient_or_the_customer(world: World):
    link = world.link()
    await world.paid(link, payment_id="pay_1", payer_email="other@example.com")
    await world.turn()
    known = customer(world)
    await world.refunded(world.payment(id="pay_1", method="link", customer_id=known))
    await world.refunded(world.payment(id="pay_2", method="link", customer_id=known))
    await world.refunded(world.payment(id="pay_3", method="link"))
    await world.turn(2)
    sent = [
        (one.rcpt_tos[0], letter["Subject"])
        for one, letter in zip(world.mail.inbox, world.mail.letters, strict=True)
    ]
    assert sorted(sent) == [
        ("mario@example.com", "Ottica Rossi: refund of €10.00"),
        ("other@example.com", "Ottica Rossi: pagamento di 129,00 € ricevuto"),
        ("other@example.com", "Ottica Rossi: rimborso di 10,00 €"),
    ]
    assert sorted(await world.states()) == ["obsolete", "sent", "sent", "sent"]


async def test_a_pending_payment_is_explained_by_email(world: World):
    payment = world.payment(customer_id=customer(world))
    payload = payment_events.PaymentPending(payment=payment)
    await world.happen(world.event("payments.payment.pending", payload))
    await world.turn()
    assert "do not need to pay again" in world.mail.letters[0].get_body(("plain",)).get_content()


async def test_a_pending_notice_becomes_obsolete_once_the_payment_is_captured(world: World):
    payment = world.payment(customer_id=customer(world))
    payload = payment_events.PaymentPending(payment=payment)
    await world.happen(world.event("payments.payment.pending", payload))
    taken = payment_events.PaymentCaptured(payment=payment, amount_minor=12_900)
    await world.happen(world.event("payments.payment.captured", taken))
    await world.turn()
    (letter,) = world.mail.letters
    assert letter["Subject"] == "Ottica Rossi: payment of €129.00 received"
    assert await world.states() == ["obsolete", "sent"]


async def test_old_confirmations_are_not_sent(world: World):
    long_ago = datetime.now(UTC) - timedelta(days=4)
    payload = payment_events.PaymentCaptured(payment=world.payment(), amount_minor=1)
    await world.happen(world.event("payments.payment.captured", payload, occurred_at=long_ago))
    assert await world.rows() == []


async def test_erasing_a_customer_removes_personal_data_from_its_messages(world: World):
    customer_id = customer(world)
    await captured(world, customer_id=customer_id)
    await world.turn()
    await captured(world, customer_id=customer_id)
    payload = oneclick_events.CustomerErased(customer_id=customer_id)
    await world.happen(world.event("oneclick.customer.erased", payload))
    assert await world.states() == ["sent", "obsolete"]
    assert "ario" not in str([dict(row) for row in await world.rows()])


async def test_a_subject_can_have_several_handlers(world: World):
    seen: list[str] = []

    def reader(name: str) -> Handler:
        async def handle(_: object, event: Event) -> None:
            seen.append(f"{name} {event.subject}")

        return handle

    async def all_of(_: object, events: Sequence[Event]) -> None:
        seen.append(" ".join(["all", *(event.subject for event in events)]))

    both = worker.merged(
        {"a": reader("1"), "b": reader("2")}, dict.fromkeys("abc", BatchHandler(all_of))
    )
    assert both["a"] is both["b"] is both["c"]
    events = [SimpleNamespace(subject=subject) for subject in "abca"]
    await both["a"].handle(None, events)
    assert seen == ["1 a", "2 b", "1 a", "all a b c a"]


async def test_a_batch_with_a_repeated_event_makes_one_message_per_event(world: World):
    payloads = [
        payment_events.PaymentCaptured(
            payment=world.payment(customer_id=customer(world), amount=money()), amount_minor=1
        )
        for _ in range(3)
    ]
    events = [world.event("payments.payment.captured", each) for each in payloads]
    async with world.deps.db.transaction() as tx:
        handler = worker.handlers(world.deps)[events[0].subject]
        assert isinstance(handler, BatchHandler)
        await handler.handle(tx, [*events, events[0]])
    rows = await world.rows()
    assert sorted(row["event_id"] for row in rows) == sorted(each.event_id for each in events)
    assert {row["kind"] for row in rows} == {"receipt"}


async def test_a_repeated_payment_event_makes_one_message(world: World):
    payload = payment_events.PaymentCaptured(
        payment=world.payment(customer_id=customer(world), amount=money()), amount_minor=1
    )
    event = world.event("payments.payment.captured", payload)
    await world.happen(event)
    await world.happen(event)
    assert len(await world.rows()) == 1


def test_final_message_states_have_no_transitions():
    assert INITIAL is State.QUEUED
    assert {state for state, _ in TRANSITIONS}.isdisjoint(FINAL)
