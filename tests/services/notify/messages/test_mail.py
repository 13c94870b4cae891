"""E-mail over real SMTP: whatever the server does, each message arrives once."""

import asyncio
from datetime import timedelta

import pytest

from incasso.paylink.v1 import paylink_pb2
from services.notify.messages import worker
from services.notify.messages.rules import retry
from tests.services.notify.messages.mail_double import hang_up, say, wait
from tests.services.notify.messages.world import Requested, World


async def test_a_links_email_has_its_url_headers_and_return_address(world: World):
    link = await world.ask()
    await world.turn()
    row = await world.row()
    assert (row["state"], row["attempts"], row["payment_link_id"]) == ("sent", 1, link.id)
    (letter,) = world.mail.letters
    assert letter["To"] == "Giulia Bianchi <giulia@example.com>"
    assert letter["From"] == "Ottica Rossi <pay@incasso.example>"
    assert letter["Reply-To"] == "Ottica Rossi <ciao@otticarossi.example>"
    assert letter["Message-ID"] == f"<{row['id']}@incasso.example>"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Subject"] == "Ottica Rossi: richiesta di pagamento di 129,00 €"
    for part in ("plain", "html"):
        body = letter.get_body((part,))
        assert "https://pay.example/p/3kTq9w0bZ6mHhJ8sX2yQvA" in body.get_content()
    envelope = world.mail.inbox[0]
    assert envelope.mail_from == world.deps.return_addresses.of(row["id"])
    assert len(envelope.mail_from.partition("@")[0]) <= 64


async def test_a_repeated_event_sends_nothing_twice(world: World):
    payload = Requested(payment_link=world.link(), reason=Requested.REASON_ISSUED)
    event = world.event("paylink.payment_link.message_requested", payload)
    for _ in range(3):
        await world.happen(event)
    await world.turn(2)
    assert len(world.mail.inbox) == 1


async def test_a_reminder_can_be_stopped_with_one_click(world: World):
    await world.ask(reason=Requested.REASON_REMINDER)
    await world.turn()
    (letter,) = world.mail.letters
    assert letter["List-Unsubscribe"].strip().startswith("<https://pay.example/p/")
    assert letter["List-Unsubscribe"].endswith("/stop-reminders>")
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_mail_server_that_is_down_is_retried_with_back_off(world: World):
    await world.mail.stop()
    await world.ask()
    for attempts in (1, 2, 3):
        await world.turn()
        row = await world.row()
        assert (row["state"], row["attempts"]) == ("queued", attempts)
        wait_for = row["due_at"] - world.time.now()
        assert abs(wait_for - retry.BACKOFF[attempts - 1]) < timedelta(seconds=3)
        await world.turn()  # not due yet: nothing happens
        await world.due()
    await world.mail.start()
    await world.turn()
    assert await world.states() == ["sent"]
    assert len(world.mail.inbox) == 1


async def test_a_message_is_given_up_after_a_day(world: World):
    await world.mail.stop()
    await world.ask()
    world.time.ahead = timedelta(hours=24, minutes=1)
    await world.turn()
    row = await world.row()
    assert (row["state"], row["due_at"]) == ("failed", None)
    assert "no connection" in row["error"]


async def test_a_temporary_refusal_is_retried(world: World):
    world.mail.on_rcpt = [say("450 4.2.1 greylisted")]
    world.mail.on_data = [say("451 4.3.0 try later")]
    await world.ask()
    await world.turn()
    row = await world.row()
    assert (row["state"], row["error"]) == ("queued", "450 4.2.1 greylisted")
    await world.due()
    await world.turn()
    assert await world.states() == ["queued"]
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == (["sent"], 1)
    assert world.mail.connections == 1


async def test_a_refused_recipient_does_not_affect_the_others(world: World):
    world.mail.refused["gone@example.com"] = "550 5.1.1 no such user gone@example.com here"
    for email in (
        "giulia@example.com",
        "Gone@example.com",
        "gone@example.com",
        "mario@example.com",
    ):
        link = world.link()
        link.recipient.email = email
        await world.ask(link)
        world.mail.refused["Gone@example.com"] = world.mail.refused["gone@example.com"]
        await world.turn()
    assert await world.states() == ["sent", "bounced", "suppressed", "sent"]
    rows = await world.rows()
    assert rows[1]["error"] == "550 5.1.1 no such user [address] here"
    assert await world.suppressed() == [("gone@example.com", "bounced")]
    assert sorted(one.rcpt_tos[0] for one in world.mail.inbox) == [
        "giulia@example.com",
        "mario@example.com",
    ]


async def test_a_policy_refusal_bounces_without_suppressing(world: World):
    world.mail.on_rcpt = [say("550 5.7.1 blocked by policy")]
    world.mail.on_data = [say("554 5.6.0 content refused")]
    await world.ask()
    await world.turn()
    await world.ask()
    await world.turn()
    assert await world.states() == ["bounced", "failed"]
    assert await world.suppressed() == []


async def test_a_slow_server_is_waited_for(world: World):
    world.mail.on_rcpt = [wait(0.4)]
    world.mail.on_data = [wait(0.4)]
    await world.ask()
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == (["sent"], 1)


async def test_a_connection_lost_before_the_message_is_retried(world: World):
    world.mail.on_rcpt = [hang_up]
    await world.ask()
    await world.turn()
    assert await world.states() == ["queued"]
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == (["sent"], 1)


async def test_a_message_without_a_final_reply_is_unknown_and_never_resent(world: World):
    world.mail.on_data = [hang_up, wait(3)]
    await world.ask()
    await world.turn()
    await world.ask()
    await world.turn()  # the reply takes longer than our timeout
    assert await world.states() == ["unknown", "unknown"]
    for _ in range(3):
        await world.due()
        await world.turn()
    assert await world.states() == ["unknown", "unknown"]
    assert len(world.mail.inbox) == 1  # the slow server dropped it when we hung up; we cannot know


async def test_messages_share_a_connection(world: World):
    for _ in range(4):
        await world.ask()
        await world.turn()
    assert (world.mail.connections, len(world.mail.inbox)) == (1, 4)


async def test_a_message_is_sent_again_after_the_server_closes_the_connection(world: World):
    await world.ask()
    await world.turn()
    world.mail.on_rcpt = [hang_up]
    await world.ask()
    await world.turn()
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == (["sent", "sent"], 2)


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Requested.REASON_REMINDER, "obsolete"),
        (Requested.REASON_CART, "obsolete"),
        (Requested.REASON_ISSUED, "sent"),
    ],
)
async def test_reminders_of_a_link_being_paid_become_obsolete(
    world: World, reason: int, state: str
):
    link = world.link(state=paylink_pb2.PaymentLink.STATE_PAYING)
    await world.ask(link, reason)
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == ([state], int(state == "sent"))


async def test_a_closed_link_is_not_sent(world: World):
    link = await world.ask()
    world.neighbours.closed.add(link.id)
    await world.turn()
    row = await world.row()
    assert (row["state"], row["error"]) == ("obsolete", "payment_link_closed")
    assert world.mail.inbox == []


async def test_a_paylink_outage_only_delays_the_message(world: World):
    world.neighbours.away = {"GetPaymentLinkAddress"}
    await world.ask()
    await world.turn()
    assert await world.states() == ["queued"]
    world.neighbours.away = set()
    await world.due()
    await world.turn()
    assert await world.states() == ["sent"]


async def test_non_ascii_addresses_need_a_server_with_smtputf8(world: World):
    link = world.link()
    link.recipient.email = "josé@example.com"
    await world.ask(link)
    await world.turn()
    world.mail.smtputf8 = False
    await world.deps.mailer.close()
    await world.ask(link)
    await world.turn()
    assert await world.states() == ["sent", "failed"]
    assert world.mail.inbox[0].rcpt_tos == ["josé@example.com"]


async def test_concurrent_workers_send_each_message_once(world: World):
    for _ in range(10):
        await world.ask()
    workers = [worker.mail_worker(world.deps) for _ in range(4)]
    for _ in range(4):
        await asyncio.gather(*(one.run_once() for one in workers))
    assert await world.states() == ["sent"] * 10
    assert len(world.mail.inbox) == 10


@pytest.mark.parametrize(
    ("reply", "state", "arrived"),
    [
        ("what?", "unknown", 0),  # the double keeps only messages that it answers with 2xx
        ("299 taken as well", "sent", 1),
        ("354 go on", "unknown", 0),
    ],
)
async def test_an_unexpected_reply_after_the_message_causes_no_resend(
    world: World, reply: str, state: str, arrived: int
):
    world.mail.on_data = [say(reply)]
    await world.ask()
    await world.turn()
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.mail.inbox)) == ([state], arrived)
