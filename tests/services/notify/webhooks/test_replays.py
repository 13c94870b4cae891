from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from incasso.notify.v1 import webhooks_pb2 as pb
from libs import wire
from libs.errors import Kind
from tests.services.notify.webhooks.hooks import LONG_AGO, Hooks
from tests.services.notify.webhooks.test_event_feed import refusal

DISABLED = pb.WebhookEndpoint.STATE_DISABLED
PENDING = pb.WebhookDelivery.STATE_PENDING
DELIVERED = pb.WebhookDelivery.STATE_DELIVERED
FAILED = pb.WebhookDelivery.STATE_FAILED


async def set_state(hooks: Hooks, endpoint: pb.WebhookEndpoint, state) -> None:
    await hooks.call("UpdateWebhookEndpoint", webhook_endpoint_id=endpoint.id, state=state)


async def replay(hooks: Hooks, endpoint: pb.WebhookEndpoint, **fields) -> int:
    given = {"created_from": LONG_AGO, **fields}
    answer = await hooks.call("ReplayWebhooks", webhook_endpoint_id=endpoint.id, **given)
    return answer.deliveries


async def test_a_test_webhook_goes_only_to_its_endpoint(hooks: Hooks):
    endpoint = await hooks.endpoint(event_types=["payment.captured"])
    await hooks.endpoint("/other")
    answer = await hooks.call("SendTestWebhook", webhook_endpoint_id=endpoint.id)
    assert answer.webhook_delivery.event_type == "test"
    assert await hooks.send() == 1
    (received,) = hooks.receiver.received
    payload = Webhook(endpoint.secret).verify(received.body, received.headers)
    assert payload["type"] == "test"
    assert payload["data"] == {"webhook_endpoint_id": endpoint.id}
    event = (await hooks.call("GetEvent", event_id=payload["id"])).event
    assert event.type == "test"


async def test_a_repeated_test_webhook_is_sent_once(hooks: Hooks):
    endpoint = await hooks.endpoint()
    fields = {"webhook_endpoint_id": endpoint.id, "key": "test"}
    first = await hooks.call("SendTestWebhook", **fields)
    again = await hooks.call("SendTestWebhook", **fields)
    assert first.webhook_delivery.id == again.webhook_delivery.id
    assert await hooks.send() == 1


async def test_a_replay_sends_only_missed_events_unless_asked_for_all(hooks: Hooks):
    endpoint = await hooks.endpoint(event_types=["payment.*"])
    taken = await hooks.happen()
    await hooks.send()
    await set_state(hooks, endpoint, DISABLED)
    missed = [await hooks.happen() for _ in range(3)]
    await hooks.happen("incasso.oneclick.customer.erased", b"")
    assert await refusal(replay(hooks, endpoint)) == (Kind.CONFLICT, "webhook_endpoint_disabled")
    await set_state(hooks, endpoint, pb.WebhookEndpoint.STATE_ENABLED)
    assert await replay(hooks, endpoint, key="once") == 3
    assert await replay(hooks, endpoint, key="once") == 3
    assert await replay(hooks, endpoint) == 0, "they wait already"
    await hooks.send()
    assert sorted(one.event_id for one in hooks.receiver.received) == sorted([taken, *missed])
    assert await replay(hooks, endpoint, include_delivered=True) == 4


async def test_a_replay_covers_only_its_period(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.send()
    now = datetime.now(UTC)
    later, earlier = now + timedelta(hours=1), now - timedelta(hours=1)
    everything = {"include_delivered": True}
    since = {"created_from": wire.timestamp(later)}
    assert await replay(hooks, endpoint, **since, **everything) == 0
    period = {"created_from": LONG_AGO, "created_to": wire.timestamp(earlier)}
    assert await replay(hooks, endpoint, **period, **everything) == 0
    period = {"created_from": wire.timestamp(earlier), "created_to": wire.timestamp(later)}
    assert await replay(hooks, endpoint, **period, **everything) == 1


async def test_a_replay_makes_at_most_ten_thousand_deliveries_and_can_be_continued(
    hooks: Hooks,
):
    endpoint = await hooks.endpoint()
    await hooks.sql(
        "INSERT INTO events (merchant_id, id, type, message, body, traceparent, created_at)"
        " SELECT $1, 'evt_' || lpad(n::text, 26, '0'), 'payment.captured',"
        " 'incasso.payments.v1.PaymentCaptured', '', '', now() FROM generate_series(1, 10005) AS n",
        hooks.merchant_id,
    )
    assert await replay(hooks, endpoint) == 10_000
    assert await replay(hooks, endpoint) == 5


async def test_a_failed_delivery_can_be_retried_and_keeps_its_attempts(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 500)
    await hooks.happen()
    await hooks.send()
    await set_state(hooks, endpoint, DISABLED)
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == FAILED
    fields = {"webhook_delivery_id": delivery.id}
    again = hooks.call("RetryWebhookDelivery", **fields)
    assert await refusal(again) == (Kind.CONFLICT, "webhook_endpoint_disabled")
    await set_state(hooks, endpoint, pb.WebhookEndpoint.STATE_ENABLED)
    hooks.receiver.answer("/hook", 200)
    answer = await hooks.call("RetryWebhookDelivery", **fields)
    assert answer.webhook_delivery.state == PENDING
    assert await hooks.send() == 1
    delivery = await hooks.delivery(endpoint)
    assert delivery.state == DELIVERED
    assert [attempt.status for attempt in delivery.attempts] == [500, 200]


async def test_a_pending_or_accepted_delivery_can_be_retried(hooks: Hooks):
    endpoint = await hooks.endpoint()
    hooks.receiver.answer("/hook", 500)
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    hooks.receiver.answer("/hook", 200)
    for _ in range(2):
        await hooks.call("RetryWebhookDelivery", webhook_delivery_id=delivery.id)
        assert await hooks.send() == 1
    assert len({one.event_id for one in hooks.receiver.received}) == 1
    assert len(hooks.receiver.received) == 3


async def test_a_repeated_retry_makes_one_attempt(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    for _ in range(2):
        await hooks.call("RetryWebhookDelivery", webhook_delivery_id=delivery.id, key="again")
        await hooks.send()
    assert len(hooks.receiver.received) == 2


async def test_an_event_is_resent_only_to_enabled_endpoints_subscribed_to_it(hooks: Hooks):
    await hooks.endpoint()
    await hooks.endpoint("/other", event_types=["customer.*"])
    off = await hooks.endpoint("/off")
    await set_state(hooks, off, DISABLED)
    event_id = await hooks.happen()
    await hooks.send()
    for _ in range(2):
        answer = await hooks.call("ResendEvent", event_id=event_id, key="again")
        assert answer.deliveries == 1
    await hooks.send()
    assert [one.event_id for one in hooks.receiver.received] == [event_id, event_id]


async def test_a_test_event_is_neither_resent_nor_replayed(hooks: Hooks):
    endpoint = await hooks.endpoint()
    answer = await hooks.call("SendTestWebhook", webhook_endpoint_id=endpoint.id)
    event_id = answer.webhook_delivery.event_id
    assert (await hooks.call("ResendEvent", event_id=event_id)).deliveries == 0
    await hooks.send()
    assert await replay(hooks, endpoint, include_delivered=True) == 0


async def test_unknown_events_and_deliveries_are_not_found(hooks: Hooks):
    absent = hooks.call("ResendEvent", event_id="evt_nothing")
    assert await refusal(absent) == (Kind.NOT_FOUND, "event_not_found")
    absent = hooks.call("RetryWebhookDelivery", webhook_delivery_id="whd_nothing")
    assert await refusal(absent) == (Kind.NOT_FOUND, "webhook_delivery_not_found")
