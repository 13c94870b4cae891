from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import aiohttp
import pytest
from twilio.request_validator import RequestValidator

from tests.services.sandbox.conftest import SID

PATH = f"/twilio/2010-04-01/Accounts/{SID}/Messages"
AUTHORISED = {"Authorization": aiohttp.encode_basic_auth(SID, "sandbox_twilio")}


async def test_a_message_is_answered_as_twilio_does_and_kept_in_the_inbox(sandbox):
    answer = await sandbox.send_sms(Body="Paga qui: https://pay.example/s/abc")
    assert answer.status == 201
    assert answer.body["sid"].startswith("SM")
    assert len(answer.body["sid"]) == 34
    assert (answer.body["status"], answer.body["num_segments"]) == ("queued", "1")
    assert (answer.body["to"], answer.body["from"]) == ("+393331234567", "+15005550006")
    (message,) = await sandbox.inbox(channel="sms")
    assert (message["id"], message["links"]) == (answer.body["sid"], ["https://pay.example/s/abc"])
    assert (message["characters"], message["segments"]) == (35, 1)


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550002"}, 21612),
        ({"To": "+15005550003"}, 21408),
        ({"To": "+15005550004"}, 21610),
        ({"To": "+15005550009"}, 21614),
        ({"To": "whatsapp:+15005550009", "From": "whatsapp:+15005550006"}, 21614),
        ({"To": "333 1234567"}, 21211),
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"From": "+15005550001"}, 21212),
        ({"From": "+15005550007"}, 21606),
        ({"From": "whatsapp:+15005550006"}, 21910),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "ftp://x"}, 21609),
    ],
)
async def test_refusals_have_twilios_codes(sandbox, form, code):
    answer = await sandbox.send_sms(**form)
    assert (answer.status, answer.body["code"], answer.body["status"]) == (400, code, 400)
    assert await sandbox.inbox() == []


async def test_a_caller_without_the_token_is_refused(sandbox):
    answer = await sandbox.send_sms(token="stolen")
    assert (answer.status, answer.body["code"]) == (401, 20003)
    for path in (f"{PATH}.json", f"{PATH}/SM{'0' * 32}.json"):
        headers = {"Authorization": "Bearer x"}
        assert (await sandbox.call("GET", path, headers=headers)).status == 401


def reported(listener) -> list[str]:
    return [dict(parse_qsl(raw.decode()))["MessageStatus"] for _, raw in listener.received]


async def test_callbacks_report_sent_then_delivered_with_a_signature(sandbox, listener):
    sid = (await sandbox.send_sms(StatusCallback=listener.url)).body["sid"]
    await listener.wait_for(2)
    assert reported(listener) == ["sent", "delivered"]
    for headers, raw in listener.received:
        form = dict(parse_qsl(raw.decode()))
        assert form["MessageSid"] == sid
        signature = headers["X-Twilio-Signature"]
        assert RequestValidator("sandbox_twilio").validate(listener.url, form, signature)
    answer = await sandbox.call("GET", f"{PATH}/{sid}.json", headers=AUTHORISED)
    assert answer.body["status"] == "delivered"


async def test_a_dead_handset_is_reported_as_undelivered(sandbox, listener):
    sid = (await sandbox.send_sms(To="+15005550099", StatusCallback=listener.url)).body["sid"]
    await listener.wait_for(2)
    assert dict(parse_qsl(listener.received[1][1].decode()))["ErrorCode"] == "30003"
    answer = await sandbox.call("GET", f"{PATH}/{sid}.json", headers=AUTHORISED)
    assert (answer.body["status"], answer.body["error_code"]) == ("undelivered", 30003)


async def test_whatsapp_numbers_carry_their_prefix(sandbox, listener):
    answer = await sandbox.send_sms(
        To="whatsapp:+393331234567", From="whatsapp:+14155238886", StatusCallback=listener.url
    )
    assert (answer.body["to"], answer.status) == ("whatsapp:+393331234567", 201)
    (message,) = await sandbox.inbox(channel="whatsapp", to="+393331234567")
    assert message["from"] == "+14155238886"
    await listener.wait_for(1)
    assert dict(parse_qsl(listener.received[0][1].decode()))["To"] == "whatsapp:+393331234567"


async def test_messages_are_listed_by_recipient_and_day(sandbox):
    await sandbox.send_sms(Body="one")
    await sandbox.send_sms(Body="two", To="+393339999999")
    today = datetime.now(UTC).date()
    tomorrow = today + timedelta(days=1)

    async def bodies(query: str) -> list[str]:
        answer = await sandbox.call("GET", f"{PATH}.json?{query}", headers=AUTHORISED)
        return [message["body"] for message in answer.body["messages"]]

    assert await bodies("") == ["two", "one"]
    assert await bodies("PageSize=1") == ["two"]
    assert await bodies("To=%2B393331234567") == ["one"]
    assert await bodies(f"To=%2B393331234567&DateSent={today}") == ["one"]
    assert await bodies(f"DateSent>={today}&DateSent<={tomorrow}") == ["two", "one"]
    assert await bodies(f"DateSent>={tomorrow}") == []
    assert (await sandbox.call("GET", f"{PATH}.json?DateSent=x", headers=AUTHORISED)).status == 400
    missing = await sandbox.call("GET", f"{PATH}/SM{'0' * 32}.json", headers=AUTHORISED)
    assert (missing.status, missing.body["code"]) == (404, 20404)


async def test_too_many_requests_carry_a_retry_after(sandbox):
    rule = {"operation": "sms", "kind": "error", "code": "429", "seconds": 2, "times": 1}
    await sandbox.faults(rule)
    answer = await sandbox.send_sms()
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert answer.body["code"] == 20429
    assert (await sandbox.send_sms()).status == 201


@pytest.mark.parametrize(
    ("kind", "stored"), [("down", 0), ("drop_before", 0), ("drop_after", 1), ("error", 0)]
)
async def test_the_provider_can_fail_on_demand(sandbox, kind, stored):
    await sandbox.faults({"operation": "sms", "kind": kind, "times": 1})
    if kind == "error":
        assert (await sandbox.send_sms()).status == 503
    else:
        with pytest.raises(aiohttp.ClientError):
            await sandbox.send_sms()
    assert len(await sandbox.inbox()) == stored


async def test_the_provider_can_be_slow_for_one_recipient(sandbox):
    await sandbox.faults({
        "operation": "sms", "kind": "slow", "seconds": 0.2, "account": "+393331234567",
    })  # fmt: skip
    await sandbox.send_sms(To="+393339999999")
    assert (await sandbox.call("GET", "/control/faults")).body["rules"][0]["taken"] == 0
    assert (await sandbox.send_sms()).status == 201
    assert (await sandbox.call("GET", "/control/faults")).body["rules"][0]["taken"] == 1
