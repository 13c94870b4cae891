"""SMS and WhatsApp through Twilio's API: whatever it answers, it accepts each message once."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from incasso.notify.v1 import messages_pb2 as pb
from incasso.paylink.v1 import paylink_pb2
from libs import clock
from libs.errors import Refusal
from services.notify.errors import NoticeMalformed, ProviderUnknown, SignatureInvalid
from services.notify.messages.providers.twilio import outcome_of
from services.notify.messages.rules.smtp_replies import written
from tests.services.notify.messages.neighbours import URL
from tests.services.notify.messages.sms_double import TOKEN
from tests.services.notify.messages.world import World

CALLBACK = "https://pay.example/webhooks/sms/twilio"


def status_of(
    sid: str, status: str, code: str = "", token: str = TOKEN
) -> pb.HandleSmsStatusRequest:
    form = {"MessageSid": sid, "MessageStatus": status, "To": "+393331234567", "ErrorCode": code}
    signature = RequestValidator(token).compute_signature(CALLBACK, form)
    return pb.HandleSmsStatusRequest(
        provider="twilio",
        url=CALLBACK,
        body=urlencode(form).encode(),
        headers={"x-twilio-signature": signature},
    )


async def test_a_link_is_sent_by_sms_and_whatsapp(world: World):
    await world.ask(world.link(channels=[paylink_pb2.CHANNEL_SMS, paylink_pb2.CHANNEL_WHATSAPP]))
    await world.turn()
    assert await world.states() == ["sent", "sent"]
    by_number = {one["to"]: one for one in world.sms.taken}
    assert set(by_number) == {"+393331234567", "whatsapp:+393331234567"}
    body = by_number["+393331234567"]["body"]
    assert body == f"Ottica Rossi: paga EUR 129,00 per Occhiali qui: {URL}"
    assert by_number["whatsapp:+393331234567"]["body"] == body
    assert by_number["+393331234567"]["callback"] == CALLBACK
    assert {row["provider_reference"] for row in await world.rows()} == {
        one["sid"] for one in world.sms.taken
    }


async def test_too_many_requests_are_retried_after_the_providers_retry_after(world: World):
    world.sms.script = [
        (429, {"code": 20429, "message": "Too Many Requests"}, {"Retry-After": "7"}),
        (503, {}, {}),
    ]
    await world.ask_sms()
    await world.turn()
    row = await world.row()
    assert row["state"] == "queued"
    assert abs(row["due_at"] - world.time.now() - timedelta(seconds=7)) < timedelta(seconds=3)
    await world.due()
    await world.turn()
    assert await world.states() == ["queued"]
    await world.due()
    await world.turn()
    assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)


@pytest.mark.parametrize(("script", "asked_again"), [("lose", 1), ("drop", 2)])
async def test_a_lost_answer_is_settled_by_looking_up_the_message(
    world: World, script: str, asked_again: int
):
    world.sms.script = [script]
    await world.ask_sms()
    await world.turn()
    row = await world.row()
    assert (row["state"], row["provider_reference"]) == ("unknown", None)
    for _ in range(3):
        await world.due()
        await world.turn()
    assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)
    assert world.sms.posts == asked_again
    assert (await world.row())["provider_reference"] == world.sms.taken[0]["sid"]


async def test_a_server_error_leaves_the_message_unknown_until_it_is_looked_up(world: World):
    world.sms.script = [(500, {}, {})]
    await world.ask_sms()
    await world.turn()
    assert await world.states() == ["unknown"]
    world.sms.list_status = 500
    await world.due()
    await world.turn()
    assert await world.states() == ["unknown"]
    world.sms.list_status = 200
    for _ in range(2):
        await world.due()
        await world.turn()
    assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)


async def test_a_message_stays_unknown_if_it_cannot_be_looked_up_for_a_day(world: World):
    world.sms.script = ["lose"]
    world.sms.list_status = 500
    await world.ask_sms()
    await world.turn()
    world.time.ahead = timedelta(hours=25)
    await world.due()
    await world.turn()
    row = await world.row()
    assert (row["state"], row["due_at"]) == ("unknown", None)


async def test_an_earlier_message_with_the_same_text_is_not_taken_for_the_lost_one(world: World):
    link = world.link(channels=[paylink_pb2.CHANNEL_SMS])
    await world.ask(link)
    await world.turn()
    world.sms.script = ["drop"]
    await world.ask(link)
    await world.turn()
    for _ in range(2):
        await world.due()
        await world.turn()
    assert (await world.states(), len(world.sms.taken)) == (["sent", "sent"], 2)
    references = [row["provider_reference"] for row in await world.rows()]
    assert len(set(references)) == 2


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (21211, "bounced", "bounced"),
        (21614, "bounced", "bounced"),
        (21610, "bounced", "complained"),
        (21612, "bounced", None),
        (20003, "failed", None),
    ],
)
async def test_a_definite_refusal_sets_state_and_suppression_by_its_code(
    world: World, code: int, state: str, reason: str | None
):
    world.sms.script = [(400, {"code": code, "message": "no"}, {})]
    await world.ask_sms()
    await world.turn()
    assert await world.states() == [state]
    assert await world.suppressed() == ([("+393331234567", reason)] if reason else [])
    await world.ask_sms()
    await world.turn()
    assert (await world.states())[1] == ("suppressed" if reason else "sent")


async def test_status_callbacks_move_forward_only(world: World):
    await world.ask_sms()
    await world.turn()
    sid = world.sms.taken[0]["sid"]
    for status in ("queued", "sent", "delivered", "sent", "undelivered"):
        await world.call("HandleSmsStatus", status_of(sid, status))
    row = await world.row()
    assert row["state"] == "delivered"
    assert row["delivered_at"] is not None


async def test_sent_and_delivered_times_follow_the_merchants_clock(world: World):
    async with world.db.transaction() as conn:
        await clock.follow(conn, world.merchant_id, 86_400)
    await world.ask_sms()
    await world.turn()
    await world.call("HandleSmsStatus", status_of(world.sms.taken[0]["sid"], "delivered"))
    row = await world.row()
    tomorrow = world.time.now() + timedelta(days=1)
    for name in ("sent_at", "delivered_at"):
        assert abs(row[name] - tomorrow) < timedelta(minutes=1)


async def test_an_undelivered_message_bounces_and_suppresses(world: World):
    await world.ask_sms()
    await world.turn()
    await world.call(
        "HandleSmsStatus", status_of(world.sms.taken[0]["sid"], "undelivered", "30005")
    )
    assert await world.states() == ["bounced"]
    assert await world.suppressed() == [("+393331234567", "bounced")]


async def test_a_callback_that_overtakes_the_answer_is_kept(world: World):
    sid = f"SM{0:032}"
    await world.call("HandleSmsStatus", status_of(sid, "sent"))
    await world.call("HandleSmsStatus", status_of(sid, "delivered"))
    await world.ask_sms()
    await world.turn()
    assert await world.states() == ["delivered"]


async def test_forged_or_malformed_callbacks_are_refused(world: World):
    for request, refusal in (
        (status_of("SM1", "sent", token="another"), SignatureInvalid),
        (status_of("", "sent"), NoticeMalformed),
        (pb.HandleSmsStatusRequest(provider="twilio", url=CALLBACK, body=b"\xff"), NoticeMalformed),
        (pb.HandleSmsStatusRequest(provider="pigeon", url=CALLBACK), ProviderUnknown),
    ):
        with pytest.raises(Refusal) as refused:
            await world.call("HandleSmsStatus", request)
        assert refused.value.reason == refusal.reason


async def test_a_channel_without_provider_fails(world: World):
    world.deps.providers.clear()
    await world.ask_sms()
    await world.turn()
    assert await world.states() == ["failed"]


def test_an_empty_or_redirect_reply_counts_as_lost():
    assert type(outcome_of(201, {}, {})).__name__ == "Lost"
    assert type(outcome_of(302, {}, {})).__name__ == "Lost"


async def test_a_lost_message_is_found_even_if_the_providers_clock_is_behind(world: World):
    world.sms.script = ["lose"]
    await world.ask_sms()
    await world.turn()
    (taken,) = world.sms.taken
    taken["date_created"] = format_datetime(datetime.now(UTC) - timedelta(seconds=30))
    for _ in range(3):
        await world.due()
        await world.turn()
    assert (await world.states(), len(world.sms.taken)) == (["sent"], 1)


async def test_lookups_end_as_unknown_once_their_provider_was_removed(world: World):
    world.sms.script = ["lose"]
    await world.ask_sms()
    await world.turn()
    world.deps.providers.clear()
    world.time.ahead = timedelta(days=2)
    await world.due()
    await world.turn()
    row = await world.row()
    assert (row["state"], row["due_at"]) == ("unknown", None)


def test_errors_mask_addresses():
    error = "The 'To' number +393331234567 is no phone of <giulia@example.com>"
    assert written(error) == "The 'To' number [address] is no phone of <[address]>"
