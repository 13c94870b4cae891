"""Returned mail: accepted only with our own proof; only permanent failures suppress."""

import pytest
from cryptography.fernet import Fernet

from incasso.notify.v1 import messages_pb2 as pb
from libs import ids
from libs.errors import Refusal
from services.notify.errors import NoticeMalformed, SignatureInvalid
from services.notify.messages.rules.bounces import ReturnAddresses
from services.notify.messages.rules.smtp_replies import mailbox_is_gone, refusal
from tests.services.notify.messages.conftest import KEYS
from tests.services.notify.messages.world import World


def notification(to: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Sat, 21 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; giulia@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <giulia@example.com>: user unknown
--b
Content-Type: text/rfc822-headers

Subject: Ottica Rossi
--b--
""".encode()


async def bounce(world: World, **changes: str) -> str:
    """Sends a message that is returned; its state afterwards."""
    await world.ask()
    await world.turn()
    row = (await world.rows())[-1]
    to = world.deps.return_addresses.of(row["id"])
    await world.call("HandleBounce", pb.HandleBounceRequest(body=notification(to, **changes)))
    return (await world.states())[-1]


async def test_mail_to_an_unknown_mailbox_bounces_and_suppresses_its_address(world: World):
    assert await bounce(world) == "bounced"
    assert await world.suppressed() == [("giulia@example.com", "bounced")]
    row = await world.row()
    assert row["error"] == "5.1.1 smtp; 550 5.1.1 <[address]>: user unknown"
    await world.ask()
    await world.turn()
    assert await world.states() == ["bounced", "suppressed"]


@pytest.mark.parametrize(
    ("action", "status", "state"),
    [
        ("delayed", "4.4.1", "sent"),
        ("delivered", "2.0.0", "sent"),
        ("failed", "4.4.7", "failed"),
        ("failed", "5.2.2", "bounced"),
        ("failed", "5.7.1", "bounced"),
    ],
)
async def test_a_notice_that_does_not_blame_the_mailbox_suppresses_nothing(
    world: World, action: str, status: str, state: str
):
    assert await bounce(world, action=action, status=status) == state
    assert await world.suppressed() == []


async def test_a_repeated_bounce_counts_once(world: World):
    await bounce(world)
    await world.call(
        "HandleBounce",
        pb.HandleBounceRequest(
            body=notification(world.deps.return_addresses.of((await world.row())["id"]))
        ),
    )
    assert await world.states() == ["bounced"]
    assert len(await world.suppressed()) == 1


async def test_forged_or_malformed_bounces_are_refused(world: World):
    ours = world.deps.return_addresses.of(ids.new("msg"))
    forged = ours.replace("-", "-a", 1)[:-1]
    foreign = ReturnAddresses("bounces.example", [Fernet.generate_key().decode()])
    for to in (forged, "pay@incasso.example", foreign.of(ids.new("msg"))):
        with pytest.raises(Refusal) as refused:
            await world.call("HandleBounce", pb.HandleBounceRequest(body=notification(to)))
        assert refused.value.reason == SignatureInvalid.reason
    for body in (f"To: {ours}\n\nout of office".encode(), f"To: {ours}".encode()):
        with pytest.raises(Refusal) as refused:
            await world.call("HandleBounce", pb.HandleBounceRequest(body=body))
        assert refused.value.reason == NoticeMalformed.reason


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"To: =?utf-8?q?=ff?=\n\n", b"x" * 10_000])
async def test_a_garbage_bounce_is_refused(world: World, body: bytes):
    with pytest.raises(Refusal) as refused:
        await world.call("HandleBounce", pb.HandleBounceRequest(body=body))
    assert refused.value.reason in {SignatureInvalid.reason, NoticeMalformed.reason}


def test_return_addresses_survive_a_new_key_and_ignore_case():
    before = ReturnAddresses("bounces.example", KEYS[1:]).of("msg_" + "0" * 26)
    after = ReturnAddresses("bounces.example", KEYS)
    assert after.message_id_of(before.upper()) == "msg_" + "0" * 26
    assert after.of("msg_" + "0" * 26) != before
    assert ReturnAddresses("", KEYS).of("msg_" + "0" * 26) == ""


@pytest.mark.parametrize("status", ["5.1.1", "5.2.1", "5.0.0"])
def test_a_status_that_blames_the_mailbox_means_that_it_is_gone(status: str):
    assert mailbox_is_gone(status)


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "4.1.1", ""])
def test_any_other_status_does_not_mean_that_the_mailbox_is_gone(status: str):
    assert not mailbox_is_gone(status)


def test_a_reply_without_an_enhanced_status_is_judged_by_its_smtp_code():
    assert refusal(550, "no such user", of_recipient=True).suppression
    assert not refusal(552, "mailbox full", of_recipient=True).suppression
    assert not refusal(550, "no", of_recipient=False).bounced
