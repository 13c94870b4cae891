"""Messages to customers of instalment plans, over a real SMTP server: sent once, in the plan's language,
with the texts that the law requires beside the price of a part.
"""

from collections.abc import Mapping
from html import unescape
from typing import Any

import pytest

from incasso.instalments.v1 import events_pb2
from incasso.oneclick.v1 import events_pb2 as oneclick_events
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payment_events
from services.notify.messages.rules import emails
from services.notify.messages.rules.domain import (
    PART_KINDS,
    PLAN_KINDS,
    Kind,
)
from tests.services.notify.messages.neighbours import PLAN_URL, URL, money
from tests.services.notify.messages.world import World

Requested = events_pb2.PlanMessageRequested
LAW = {
    "en": ("Borrowing money costs money.", "Representative example: credit of €150.00, TAEG 12 %."),
    "it": (
        "Prendere denaro in prestito ha un costo.",
        "Esempio rappresentativo: credito di 150,00 €, TAEG 12 %.",
    ),
}
REASONS = {
    Kind.PLAN_SIGNED: Requested.REASON_SIGNED,
    Kind.INSTALMENT_DUE: Requested.REASON_DUE,
    Kind.INSTALMENT_MISSED: Requested.REASON_MISSED,
    Kind.CARD_NEEDED: Requested.REASON_CARD_NEEDED,
    Kind.MAY_WITHDRAW: Requested.REASON_MAY_WITHDRAW,
    Kind.PLAN_WITHDRAWN: Requested.REASON_WITHDRAWN,
    Kind.PLAN_COMPLETED: Requested.REASON_COMPLETED,
    Kind.INSTALMENT_RESCHEDULED: Requested.REASON_RESCHEDULED,
}


BY_MAIL = {"email": "giulia@example.com"}
BY_PHONE = {"phone": "+393331234567"}


async def ask(
    world: World,
    kind: Kind = Kind.PLAN_SIGNED,
    reached: Mapping[str, str] = BY_MAIL,
    **more: Any,
) -> Any:
    """Requests a message to the customer of a plan; returns the event."""
    world.neighbours.customers["cus_giulia"] = oneclick_pb2.Customer(
        id="cus_giulia", name="Giulia", locale="en", **reached
    )
    fields: dict[str, Any] = {
        "reason": REASONS[kind],
        "plan_id": "pln_1",
        "customer_id": "cus_giulia",
        "order_reference": "A-1001",
        "locale": "it",
        "amount": money(5333),
        "due_on": "2026-12-26",
        "label": "3 × 53,33 €",
        "paragraphs": LAW["it"],
        "warning": LAW["it"][0],
    }
    if kind in PART_KINDS:
        fields["payment_link_id"] = world.link(id="lnk_1", amount_due=money(5333)).id
    asked = Requested(**{**fields, **more})
    event = world.event("instalments.plan.message_requested", asked)
    await world.happen(event)
    return event


@pytest.mark.parametrize("kind", sorted(PLAN_KINDS))
async def test_each_plan_message_is_emailed_once_with_the_link_it_needs(world: World, kind: Kind):
    event = await ask(world, kind)
    await world.happen(event)
    await world.turn(2)
    row = await world.row()
    assert (row["kind"], row["state"], row["plan_id"]) == (kind, "sent", "pln_1")
    assert row["recipient"] == "giulia@example.com"
    (letter,) = world.mail.letters
    words = emails.WORDS["it"].kinds[kind]  # the plan's language, not the customer's
    for part in ("plain", "html"):
        text = unescape(letter.get_body((part,)).get_content())
        assert words.heading in text
        assert (URL if kind in PART_KINDS else PLAN_URL) in text
        assert LAW["it"][0] in text
        assert "A-1001" in text
        assert "53,33" in text


async def test_a_withdrawal_receipt_goes_to_the_email_the_customer_names(world: World):
    await ask(world, Kind.PLAN_WITHDRAWN, recipient="altrove@example.com", paragraphs=[])
    await world.turn()
    assert (await world.row())["recipient"] == "altrove@example.com"
    assert len(world.mail.letters) == 1


@pytest.mark.parametrize("kind", sorted(PLAN_KINDS))
async def test_a_customer_with_only_a_phone_gets_an_sms(world: World, kind: Kind):
    await ask(world, kind, BY_PHONE)
    await world.turn(2)
    row = await world.row()
    assert (row["state"], row["channel"]) == ("sent", "sms")
    assert row["recipient"] == "+393331234567"
    (text,) = world.sms.taken
    assert text["to"] == "+393331234567"
    assert (URL if kind in PART_KINDS else PLAN_URL) in text["body"]
    assert world.mail.letters == []


async def test_a_plans_sms_whose_answer_was_lost_is_not_sent_twice(world: World):
    world.sms.script = ["lose"]
    await ask(world, Kind.PLAN_COMPLETED, BY_PHONE)
    for _ in range(3):
        await world.turn()
        await world.due()
    assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)


async def test_a_payment_receipt_is_not_sent_to_a_phone(world: World):
    await ask(world, Kind.PLAN_COMPLETED, BY_PHONE)
    payment = world.payment(method="instalments", customer_id="cus_giulia")
    captured = payment_events.PaymentCaptured(payment=payment, amount_minor=5333)
    await world.happen(world.event("payments.payment.captured", captured))
    await world.turn(2)
    assert sorted(await world.states()) == ["obsolete", "sent"]


async def test_a_withdrawal_receipt_goes_to_the_phone_the_customer_names(world: World):
    await ask(world, Kind.PLAN_WITHDRAWN, recipient="+393331234568")
    await world.turn()
    (text,) = world.sms.taken
    assert text["to"] == "+393331234568"
    assert "il tuo recesso" in text["body"]
    assert world.mail.letters == []


@pytest.mark.parametrize("kind", sorted(PART_KINDS))
async def test_a_request_for_a_part_is_dropped_if_its_link_is_closed_or_being_paid(
    world: World, kind
):
    await ask(world, kind)
    world.neighbours.closed.add("lnk_1")
    await world.turn()
    await ask(world, kind)
    world.neighbours.closed.clear()
    world.neighbours.links["lnk_1"].state = paylink_pb2.PaymentLink.STATE_PAYING
    await world.turn()
    assert await world.states() == ["obsolete", "obsolete"]
    assert world.mail.letters == []


async def test_an_erased_customer_gets_no_messages(world: World):
    await ask(world, Kind.PLAN_WITHDRAWN, recipient="altrove@example.com")
    payload = oneclick_events.CustomerErased(customer_id="cus_giulia")
    await world.happen(world.event("oneclick.customer.erased", payload))
    await ask(world, Kind.PLAN_COMPLETED)
    del world.neighbours.customers["cus_giulia"]
    await world.turn()
    assert await world.states() == ["obsolete", "obsolete"]
    assert "altrove" not in str([dict(row) for row in await world.rows()])
    assert world.mail.letters == []


async def test_a_message_waits_during_an_instalments_outage(world: World):
    world.neighbours.away.add("GetInstalmentPlanAddress")
    await ask(world)
    await world.turn()
    assert await world.states() == ["queued"]
    world.neighbours.away.clear()
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.mail.letters)) == (["sent"], 1)


async def test_an_unknown_reason_makes_no_message(world: World):
    await ask(world, Kind.PLAN_SIGNED, reason=99)
    assert await world.rows() == []


async def test_the_receipt_of_a_part_paid_by_link_goes_to_the_customer(world: World):
    link = world.link(
        plan_id="pln_1",
        customer_id="cus_giulia",
        recipient=paylink_pb2.Recipient(),
        channels=[],
    )
    world.neighbours.customers["cus_giulia"] = oneclick_pb2.Customer(
        id="cus_giulia", email="giulia@example.com"
    )
    await world.paid(link, payment_id="pay_1")
    await world.turn()
    row = await world.row()
    assert (row["kind"], row["state"], row["recipient"]) == (
        "receipt",
        "sent",
        "giulia@example.com",
    )


async def test_a_link_paid_by_a_plan_gets_no_receipt_of_its_own(world: World):
    await world.paid(world.link(), method=paylink_pb2.METHOD_INSTALMENTS, plan_id="pln_1")
    assert await world.rows() == []


LINK_OF_A_PART = {
    "it": "Ottica Rossi: paga EUR 53,33 per Rata 2 di 3, ordine A-1001 qui: https://pay.example/p/3kTq9w0bZ6mHh"
    "J8sX2yQvA Prendere denaro in prestito ha un costo. Esempio rappresentativo nella pagina.",
    "en": "Ottica Rossi: please pay EUR 53.33 for Rata 2 di 3, ordine A-1001 here: https://pay.example/p/3kTq9w0"
    "bZ6mHhJ8sX2yQvA Borrowing money costs money. Representative example on the page.",
}


@pytest.mark.parametrize("language", ["it", "en"])
async def test_the_link_of_a_credit_part_carries_the_legal_texts_by_email_and_sms(world, language):
    warning, example = LAW[language]
    law = {"warning": warning, "representative_example": example}
    await world.ask(
        world.link(
            channels=[paylink_pb2.CHANNEL_EMAIL, paylink_pb2.CHANNEL_SMS],
            amount=money(5333),
            amount_due=money(5333),
            description="Rata 2 di 3, ordine A-1001",
            locale=language,
            **law,
        )
    )
    await world.turn()
    (text,) = world.sms.taken
    assert text["body"] == LINK_OF_A_PART[language]
    (letter,) = world.mail.letters
    for part in ("plain", "html"):
        content = unescape(letter.get_body((part,)).get_content())
        assert warning in content
        assert example in content
