import pytest

from libs.errors import Kind, RemoteRefusal
from services.gateway.webhooks import MAX_BODY_BYTES
from tests.services.gateway.test_transcoder import problem

SMS = "/webhooks/sms/twilio"
BOUNCES = "/webhooks/bounces"
MAIL = {"Content-Type": "message/rfc822"}


async def test_an_sms_status_is_forwarded_as_the_provider_sent_it(gateway):
    headers = {"X-Twilio-Signature": "abc=", "Content-Type": "application/x-www-form-urlencoded"}
    body = b"MessageSid=SM1&MessageStatus=delivered"
    path = f"{SMS}?message=msg_1%20x"
    async with gateway.request("POST", path, key=None, data=body, headers=headers) as response:
        assert response.status == 200
    seen = gateway.services.last("HandleSmsStatus").request
    assert (seen.provider, seen.body) == ("twilio", body)
    assert seen.url == f"http://127.0.0.1{path}"
    assert seen.headers["x-twilio-signature"] == "abc="


async def test_a_bounce_is_forwarded_unchanged(gateway):
    body = b"From: <>\r\nTo: b+x@bounce.example\r\n\r\n\xff\x00"
    async with gateway.request("POST", BOUNCES, key=None, data=body, headers=MAIL) as response:
        assert response.status == 200
    assert gateway.services.last("HandleBounce").request.body == body


async def test_a_bounce_of_another_media_type_or_too_large_is_refused(gateway):
    async with gateway.request("POST", BOUNCES, key=None, json={}) as response:
        await problem(response, 415, "media_type_unsupported")
    large = b"x" * (MAX_BODY_BYTES + 1)
    async with gateway.request("POST", BOUNCES, key=None, data=large, headers=MAIL) as response:
        await problem(response, 413, "body_too_large")
    assert gateway.services.calls("HandleBounce") == 0


@pytest.mark.parametrize("name", ["HandleSmsStatus", "HandleBounce"])
async def test_reports_refused_by_notify_are_refused_and_rate_limited(new_gateway, name):
    path = SMS if name == "HandleSmsStatus" else BOUNCES
    async with new_gateway(failures_per_second=0.1, failures_burst=2.0) as gateway:
        gateway.services.answers[name] = RemoteRefusal(
            Kind.UNAUTHENTICATED, "signature_invalid", "No."
        )
        for status in (401, 401, 429):
            async with gateway.request("POST", path, key=None, data=b"x", headers=MAIL) as response:
                assert response.status == status
