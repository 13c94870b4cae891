import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from incasso.notify.v1 import webhooks_pb2 as pb
from libs import json_out
from services.notify.webhooks.rules import schedule
from tests.services.notify.webhooks.hooks import TRACEPARENT, Hooks

PENDING = pb.WebhookDelivery.STATE_PENDING
DELIVERED = pb.WebhookDelivery.STATE_DELIVERED
FAILED = pb.WebhookDelivery.STATE_FAILED
ENABLED = pb.WebhookEndpoint.STATE_ENABLED
DISABLED = pb.WebhookEndpoint.STATE_DISABLED


async def test_a_webhook_verifies_with_the_official_package(hooks: Hooks):
    endpoint = await hooks.endpoint()
    event_id = await hooks.happen()
    assert await hooks.send() == 1
    (received,) = hooks.receiver.received
    payload = Webhook(endpoint.secret).verify(received.body, received.headers)
    assert payload["id"] == received.event_id == event_id
    assert payload["type"] == "payment.captured"
    assert payload["data"]["payment"]["order_reference"] == "A-1001 · è"
    assert payload["data"]["amount_minor"] == 5990
    assert payload["trace_id"] == TRACEPARENT.split("-")[1]
    assert received.headers["traceparent"].split("-")[1] == payload["trace_id"]
    assert received.headers["content-type"] == "application/json"
    assert received.headers["user-agent"].startswith("Incasso")
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == DELIVERED
    assert [attempt.status for attempt in delivery.attempts] == [204]
    assert not delivery.HasField("next_attempt_at")


async def test_an_altered_body_does_not_verify(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.send()
    (received,) = hooks.receiver.received
    altered = received.body.replace(b"5990", b"9990")
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint.secret).verify(altered, received.headers)


async def test_every_attempt_sends_the_same_bytes_that_the_api_returns(hooks: Hooks):
    await hooks.endpoint()
    event_id = await hooks.happen()
    hooks.receiver.answer("/hook", 500)
    for _ in range(3):
        await hooks.make_due()
        await hooks.send()
    answer = await hooks.call("GetEvent", event_id=event_id)
    assert [one.body for one in hooks.receiver.received] == [json_out.body_of(answer, "event")] * 3
    assert {one.event_id for one in hooks.receiver.received} == {event_id}


async def test_a_delivery_answered_500_is_retried_until_accepted(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 500, text="out of order")
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    assert (delivery.state, delivery.attempts[0].status) == (PENDING, 500)
    assert delivery.attempts[0].error == "answered 500"
    assert delivery.attempts[0].response_excerpt == "out of order"
    assert (await hooks.seen(endpoint)).HasField("failing_since")
    assert await hooks.send() == 0, "the next try is not due yet"
    hooks.receiver.answer("/hook", 200)
    await hooks.make_due()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == DELIVERED
    assert [attempt.status for attempt in delivery.attempts] == [500, 200]
    assert not (await hooks.seen(endpoint)).HasField("failing_since")


async def test_attempts_follow_the_schedule_and_the_delivery_then_fails(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 503)
    await hooks.happen()
    for tries in range(1, schedule.TRIES):
        began = datetime.now(UTC)
        assert await hooks.send() == 1
        delivery = await hooks.delivery(endpoint)
        wait = delivery.next_attempt_at.ToDatetime(UTC) - began
        planned = schedule.DELAYS[tries]
        assert 0.9 * planned <= wait <= 1.1 * planned + timedelta(seconds=5)
        await hooks.make_due()
    assert await hooks.send() == 1
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == FAILED
    assert len(delivery.attempts) == schedule.TRIES
    assert await hooks.send() == 0
    assert (await hooks.seen(endpoint)).state == ENABLED, "it fails for a moment only"


async def test_a_longer_retry_after_is_honoured(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 429, retry_after="3600")
    await hooks.happen()
    await hooks.send()
    wait = (await hooks.delivery(endpoint)).next_attempt_at.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(minutes=59) < wait <= timedelta(hours=1)


async def test_a_redirect_is_a_failure_and_not_followed(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 307, location=f"{hooks.receiver.url}/elsewhere")
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == PENDING
    assert delivery.attempts[0].error == "answered 307; redirects are not followed"
    assert hooks.receiver.at("/elsewhere") == []


@pytest.mark.parametrize("patience", [1.0])
async def test_a_receiver_that_does_not_answer_times_out(hooks: Hooks):
    endpoint = await hooks.endpoint()

    async def sleep(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    hooks.receiver.answers["/hook"] = sleep
    await hooks.happen()
    await hooks.send()
    (attempt,) = (await hooks.delivery(endpoint)).attempts
    assert attempt.error == "timed out"
    assert not attempt.HasField("status")
    assert attempt.duration_ms >= 900


async def test_an_oversized_response_body_is_cut_and_its_status_counts(hooks: Hooks):
    endpoint = await hooks.endpoint()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x\x00" * 5000)
        return response

    hooks.receiver.answers["/hook"] = stream
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == DELIVERED
    assert len(delivery.attempts[0].response_excerpt) == 1000


async def test_a_closed_port_fails_the_attempt(hooks: Hooks, free_port):
    endpoint = await hooks.endpoint()
    await hooks.call(
        "UpdateWebhookEndpoint",
        webhook_endpoint_id=endpoint.id,
        url=f"http://127.0.0.1:{free_port()}/",
    )
    await hooks.happen()
    await hooks.send()
    assert (await hooks.delivery(endpoint)).attempts[0].error == "could not connect"


async def test_410_disables_the_endpoint_and_leaves_the_others_alone(hooks: Hooks):
    endpoint = await hooks.endpoint()
    healthy = await hooks.endpoint("/healthy")
    hooks.receiver.answer("/hook", 410)
    await hooks.happen()
    await hooks.send()
    await hooks.happen()
    seen = await hooks.seen(endpoint)
    assert seen.state == DISABLED
    assert seen.disabled_reason == pb.WebhookEndpoint.DISABLED_REASON_GONE
    await hooks.send()
    assert [d.state for d in await hooks.deliveries(endpoint)] == [FAILED]
    assert [d.state for d in await hooks.deliveries(healthy)] == [DELIVERED, DELIVERED]


async def test_410_fails_the_endpoints_waiting_deliveries(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 500)
    await hooks.happen()
    await hooks.send()
    hooks.receiver.answer("/hook", 410)
    await hooks.happen()
    await hooks.send()
    assert [d.state for d in await hooks.deliveries(endpoint)] == [FAILED, FAILED]


async def test_an_endpoint_failing_for_five_days_is_disabled(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 500)
    await hooks.happen()
    for _ in range(schedule.TRIES):
        await hooks.make_due()
        await hooks.send()
    hooks.time.ahead = timedelta(days=4)
    await hooks.happen()
    await hooks.send()
    assert (await hooks.seen(endpoint)).state == ENABLED
    hooks.time.ahead = timedelta(days=5, minutes=1)
    await hooks.make_due()
    await hooks.send()
    seen = await hooks.seen(endpoint)
    assert seen.disabled_reason == pb.WebhookEndpoint.DISABLED_REASON_FAILING
    assert {d.state for d in await hooks.deliveries(endpoint)} == {FAILED}


async def test_deliveries_are_listed_in_pages_and_by_state(hooks: Hooks):
    endpoint = await hooks.endpoint()
    for _ in range(3):
        await hooks.happen()
    await hooks.send()
    hooks.receiver.answer("/hook", 500)
    last = await hooks.happen()
    await hooks.send()
    page = await hooks.call("ListWebhookDeliveries", webhook_endpoint_id=endpoint.id, limit=3)
    assert page.data[0].event_id == last
    rest = await hooks.deliveries(endpoint, cursor=page.next_cursor)
    assert len(page.data) + len(rest) == 4
    assert [d.event_id for d in await hooks.deliveries(endpoint, state=PENDING)] == [last]


async def test_cookies_are_neither_kept_nor_sent(hooks: Hooks):
    await hooks.endpoint()
    hooks.receiver.answer("/hook", 200, set_cookie="a=b; Path=/")
    for _ in range(2):
        await hooks.happen()
        await hooks.send()
    assert all("cookie" not in one.headers for one in hooks.receiver.received)


async def test_the_body_is_plain_json_in_utf_8(hooks: Hooks):
    await hooks.endpoint()
    await hooks.happen()
    await hooks.send()
    body = hooks.receiver.received[0].body
    assert list(json.loads(body)) == ["id", "type", "created_at", "data", "trace_id"]
    assert "è".encode() in body


async def test_pages_of_the_largest_deliveries_fit_a_grpc_message_and_repeat_none(hooks: Hooks):
    endpoint = await hooks.endpoint()
    for _ in range(100):
        await hooks.happen()
    await hooks.sql(
        "INSERT INTO webhook_attempts"
        " (merchant_id, delivery_id, attempted_at, status, error, duration_ms, excerpt)"
        " SELECT merchant_id, id, now(), n, 'answered 500', 15000, repeat('\ufffd', 1000)"
        " FROM webhook_deliveries CROSS JOIN generate_series(1, 12) AS n ORDER BY n"
    )
    deliveries: list[pb.WebhookDelivery] = []
    cursor = ""
    while not deliveries or cursor:
        page = await hooks.call(
            "ListWebhookDeliveries",
            webhook_endpoint_id=endpoint.id,
            limit=100,
            cursor=cursor or None,
        )
        deliveries += page.data
        cursor = page.next_cursor
    assert len({delivery.id for delivery in deliveries}) == len(deliveries) == 100
    for delivery in deliveries:
        assert [attempt.status for attempt in delivery.attempts] == list(range(3, 13))
