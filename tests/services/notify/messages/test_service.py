"""The RPCs of messages: their answers and their refusals."""

from dataclasses import replace

import pytest

from incasso.notify.v1 import messages_pb2 as pb
from libs import client, ids, wire
from libs.errors import Refusal
from libs.idempotency import Key
from libs.retention import keep_to
from services.notify import retention
from services.notify.errors import (
    MessageNotFound,
    MessageUnderWay,
    PaymentLinkClosed,
    RecipientSuppressed,
    SuppressionNotFound,
)
from services.notify.messages.flows import messages
from services.notify.messages.paylink_client import Links
from tests.services.notify.messages.world import World

State = pb.Message


async def refused(world: World, name: str, request, *, key: str = "") -> str:
    with pytest.raises(Refusal) as caught:
        await world.call(name, request, key=key)
    return caught.value.reason


async def sent(world: World) -> pb.Message:
    await world.ask()
    await world.turn()
    return (await world.call("ListMessages", pb.ListMessagesRequest())).data[0]


async def resend(world: World, message_id: str, key: str = "again", **more) -> pb.Message:
    request = pb.ResendMessageRequest(message_id=message_id, **more)
    return (await world.call("ResendMessage", request, key=key)).message


async def test_a_message_shows_its_state_before_and_after_sending(world: World):
    link = await world.ask()
    (queued,) = (await world.call("ListMessages", pb.ListMessagesRequest())).data
    assert (queued.state, queued.attempts) == (State.STATE_QUEUED, 0)
    assert queued.HasField("next_attempt_at")
    await world.turn()
    got = await world.call("GetMessage", pb.GetMessageRequest(message_id=queued.id))
    message = got.message
    assert (message.state, message.kind) == (State.STATE_SENT, State.KIND_LINK)
    assert (message.channel, message.recipient) == (State.CHANNEL_EMAIL, "giulia@example.com")
    assert (message.locale, message.payment_link_id) == ("it", link.id)
    assert message.HasField("sent_at")
    assert not message.HasField("next_attempt_at")
    assert not message.HasField("error")


async def test_messages_are_listed_in_pages_and_by_filters(world: World):
    first = await sent(world)
    second = await sent(world)
    await world.ask()
    listed = await world.call("ListMessages", pb.ListMessagesRequest(limit=2))
    assert len(listed.data) == 2
    rest = await world.call(
        "ListMessages", pb.ListMessagesRequest(limit=2, cursor=listed.next_cursor)
    )
    assert [one.id for one in rest.data] == [first.id]
    assert not rest.HasField("next_cursor")
    for query, expected in (
        (pb.ListMessagesRequest(state=State.STATE_SENT), [second.id, first.id]),
        (pb.ListMessagesRequest(payment_link_id=first.payment_link_id), [first.id]),
        (pb.ListMessagesRequest(payment_id="pay_none"), []),
        (pb.ListMessagesRequest(created_to=first.created_at), []),
        (pb.ListMessagesRequest(created_from=wire.timestamp(world.time.now())), []),
    ):
        found = await world.call("ListMessages", query)
        assert [one.id for one in found.data] == expected
    wrong = pb.ListMessagesRequest(cursor="nonsense")
    assert await refused(world, "ListMessages", wrong) == "cursor_invalid"


async def test_another_merchant_can_neither_see_nor_resend_messages(world: World, other: World):
    message = await sent(world)
    assert not (await other.call("ListMessages", pb.ListMessagesRequest())).data
    get = pb.GetMessageRequest(message_id=message.id)
    assert await refused(other, "GetMessage", get) == MessageNotFound.reason
    again = pb.ResendMessageRequest(message_id=message.id)
    assert await refused(other, "ResendMessage", again, key="k") == MessageNotFound.reason


async def test_resending_creates_a_new_message_once_per_key(world: World):
    first = await sent(world)
    new = await resend(world, first.id, recipient=" mario@EXAMPLE.com ")
    assert (new.state, new.resend_of, new.attempts) == (State.STATE_QUEUED, first.id, 0)
    await world.turn()
    assert [one.rcpt_tos[0] for one in world.mail.inbox] == [
        "giulia@example.com",
        "mario@example.com",
    ]
    assert await resend(world, first.id, recipient=" mario@EXAMPLE.com ") == new
    await world.turn()
    assert len(world.mail.inbox) == 2
    other_body = pb.ResendMessageRequest(message_id=first.id)
    assert (
        await refused(world, "ResendMessage", other_body, key="again") == "idempotency_key_reused"
    )
    assert await refused(world, "ResendMessage", other_body) == "idempotency_key_missing"


async def test_a_repeated_resend_is_answered_during_a_paylink_outage(world: World):
    first = await sent(world)
    key = Key(world.merchant_id, "ResendMessage", "again", b"")
    world.act()
    new = await messages.resend_message(world.deps, first.id, None, key)
    nobody = client.channel("ipv4:127.0.0.1:1")
    alone = replace(world.deps, links=Links(nobody))
    assert await messages.resend_message(alone, first.id, None, key) == new
    await nobody.close()


async def test_a_queued_message_cannot_be_resent(world: World):
    await world.ask()
    request = pb.ResendMessageRequest(message_id=(await world.row())["id"])
    assert await refused(world, "ResendMessage", request, key="k") == MessageUnderWay.reason


async def test_a_message_of_a_closed_link_cannot_be_resent(world: World):
    message = await sent(world)
    world.neighbours.closed.add(message.payment_link_id)
    request = pb.ResendMessageRequest(message_id=message.id)
    assert await refused(world, "ResendMessage", request, key="k") == PaymentLinkClosed.reason


async def test_resending_to_an_invalid_address_or_an_unknown_message_is_refused(world: World):
    message = await sent(world)
    request = pb.ResendMessageRequest(message_id=message.id, recipient="+393331234567")
    assert await refused(world, "ResendMessage", request, key="k") == "invalid_argument"
    unknown = pb.ResendMessageRequest(message_id=ids.new("msg"))
    assert await refused(world, "ResendMessage", unknown, key="k") == MessageNotFound.reason


async def test_a_suppressed_address_gets_mail_again_once_the_suppression_is_lifted(
    world: World, other: World
):
    world.mail.refused = {"giulia@example.com": "550 5.1.1 nobody"}
    message = await sent(world)
    assert message.state == State.STATE_BOUNCED
    request = pb.ResendMessageRequest(message_id=message.id)
    assert await refused(world, "ResendMessage", request, key="k") == RecipientSuppressed.reason
    (one,) = (await world.call("ListSuppressions", pb.ListSuppressionsRequest())).data
    assert (one.recipient, one.reason) == ("giulia@example.com", pb.Suppression.REASON_BOUNCED)
    lift = pb.DeleteSuppressionRequest(suppression_id=one.id)
    assert await refused(other, "DeleteSuppression", lift) == SuppressionNotFound.reason
    await world.call("DeleteSuppression", lift)
    await world.call("DeleteSuppression", lift)
    assert not (await world.call("ListSuppressions", pb.ListSuppressionsRequest())).data
    world.mail.refused = {}
    await resend(world, message.id, key="k")
    await world.turn()
    assert len(world.mail.inbox) == 1
    assert await world.suppressed() == [("", "bounced")]


async def test_recipients_are_erased_after_thirteen_months(world: World):
    await world.ask()
    await world.turn()
    await world.ask()  # still queued
    async with world.db.connection() as conn:
        await conn.execute("UPDATE messages SET queued_at = queued_at - interval '400 days'")
        await conn.execute(
            "INSERT INTO provider_notices (provider_reference, event, received_at)"
            " VALUES ('SM1', 'deliver', now() - interval '8 days'), ('SM2', 'deliver', now())"
        )
    await world.ask()
    assert await keep_to(world.deps.db, retention.KEPT.rules) == 2
    old, *others = await world.rows()
    assert (old["recipient"], old["about"]["name"], old["state"]) == ("", "", "sent")
    assert old["about"]["amount"]["amount_minor"] == 12900
    assert [row["recipient"] for row in others] == ["giulia@example.com"] * 2
