import pytest

from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.webhooks import MAX_BODY_BYTES
from tests.services.gateway.test_transcoder import problem

PATH = "/webhooks/psp/psa_1"
BODY = b'{"id": "evt_1",\n "amount": 59.90, "name": "\xff"}\x00 '


async def test_body_and_headers_arrive_as_the_psp_sent_them(gateway):
    gateway.services.answers["HandlePspWebhook"] = payments_pb2.HandlePspWebhookResponse(fresh=True)
    headers = {"Stripe-Signature": "t=1,v1=ab", "Content-Type": "application/json; charset=utf-8"}
    async with gateway.request("POST", PATH, key=None, data=BODY, headers=headers) as response:
        assert response.status == 200
        assert await response.json() == {"received": True}
    seen = gateway.services.last("HandlePspWebhook")
    assert seen.request.psp_account_id == "psa_1"
    assert seen.request.body == BODY
    assert seen.request.headers["stripe-signature"] == "t=1,v1=ab"
    assert seen.call.merchant_id == ""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (Kind.UNAUTHENTICATED, "webhook_signature_invalid"),
        (Kind.NOT_FOUND, "psp_account_not_found"),
        (Kind.INVALID, "webhook_malformed"),
    ],
)
async def test_a_webhook_refused_by_payments_is_refused(gateway, kind, reason):
    gateway.services.answers["HandlePspWebhook"] = RemoteRefusal(kind, reason, "No.")
    async with gateway.request("POST", PATH, key=None, data=b"{}") as response:
        await problem(response, kind.http_status, reason)


async def test_a_webhook_gets_503_while_payments_is_unavailable(gateway):
    gateway.services.answers["HandlePspWebhook"] = OutcomeUnknown()
    async with gateway.request("POST", PATH, key=None, data=b"{}") as response:
        await problem(response, 503, "outcome_unknown")


async def test_webhooks_are_accepted_up_to_their_size_limit(gateway):
    async with gateway.request("POST", PATH, key=None, data=b"x" * MAX_BODY_BYTES) as response:
        assert response.status == 200
    large = b"x" * (MAX_BODY_BYTES + 1)
    async with gateway.request("POST", PATH, key=None, data=large) as response:
        await problem(response, 413, "body_too_large")


async def test_webhooks_with_odd_headers_are_accepted(gateway):
    headers = {"X-" + "n" * 60: "v" * 5000, "X-Latin": "na\xefve"}
    async with gateway.request("POST", PATH, key=None, data=b"{}", headers=headers) as response:
        assert response.status == 200


async def test_refused_webhooks_from_one_address_are_rate_limited(new_gateway):
    async with new_gateway(failures_per_second=0.1, failures_burst=2.0) as gateway:
        gateway.services.answers["HandlePspWebhook"] = RemoteRefusal(
            Kind.UNAUTHENTICATED, "webhook_signature_invalid", "No."
        )
        for expected in (401, 401, 429):
            async with gateway.request("POST", PATH, key=None, data=b"{}") as response:
                assert response.status == expected
