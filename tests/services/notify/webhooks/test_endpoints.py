import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from incasso.notify.v1 import webhooks_pb2 as pb
from libs.errors import Kind, RemoteRefusal
from libs.idempotency import Key
from services.notify.errors import WebhookUrlRefused
from services.notify.webhooks import events
from services.notify.webhooks.flows import endpoints as flows
from services.notify.webhooks.guard import Guard
from services.notify.webhooks.rules.domain import MOST_ENDPOINTS, EndpointChange
from tests.services.notify.webhooks.hooks import Hooks
from tests.services.notify.webhooks.test_event_feed import refusal

DISABLED = pb.WebhookEndpoint.STATE_DISABLED
ENABLED = pb.WebhookEndpoint.STATE_ENABLED
FAILED = pb.WebhookDelivery.STATE_FAILED


async def test_the_secret_is_returned_only_on_creation(hooks: Hooks):
    made = await hooks.endpoint(description="Shop", event_types=["payment.captured", "cart.*"])
    assert made.secret.startswith("whsec_")
    seen = await hooks.seen(made)
    assert not seen.HasField("secret")
    assert (seen.state, seen.description) == (ENABLED, "Shop")
    assert list(seen.event_types) == ["payment.captured", "cart.*"]
    assert repr(made.secret) not in repr(seen)


async def test_secrets_are_stored_sealed(hooks: Hooks):
    made = await hooks.endpoint()
    async with hooks.deps.db.connection() as conn:
        sealed = await conn.fetchval("SELECT sealed FROM webhook_secrets")
    assert made.secret not in sealed
    assert hooks.deps.seal.open(sealed) == made.secret


async def test_a_repeated_creation_returns_the_endpoint_without_its_secret(hooks: Hooks):
    fields = {"url": f"{hooks.receiver.url}/hook", "key": "one"}
    first = (await hooks.call("CreateWebhookEndpoint", **fields)).webhook_endpoint
    again = (await hooks.call("CreateWebhookEndpoint", **fields)).webhook_endpoint
    assert first.id == again.id
    assert first.secret
    assert not again.HasField("secret")
    listed = await hooks.call("ListWebhookEndpoints")
    assert [one.id for one in listed.data] == [first.id]


async def test_a_repeat_is_answered_even_if_the_url_would_now_be_refused(hooks: Hooks):
    """Its name may resolve elsewhere, or not at all, when it is looked up again."""
    url, made = f"{hooks.receiver.url}/hook", await hooks.endpoint()
    change = EndpointChange(url=url)

    async def create(deps, key: str):
        known = Key(hooks.merchant_id, "CreateWebhookEndpoint", key, b"")
        return await flows.create_endpoint(
            deps, url=url, description=None, event_types=(), key=known
        )

    async def update(deps):
        known = Key(hooks.merchant_id, "UpdateWebhookEndpoint", "one", b"")
        return await flows.update_endpoint(deps, made.id, change, known)

    first, changed = await create(hooks.deps, "one"), await update(hooks.deps)
    strict = replace(hooks.deps, guard=Guard([]))
    with pytest.raises(WebhookUrlRefused):
        await create(strict, "two")
    assert (await create(strict, "one")).endpoint == first.endpoint
    assert await update(strict) == changed


async def test_a_url_that_is_not_public_or_not_https_is_refused_by_field(hooks: Hooks):
    for url in ("https://10.0.0.1/", "https://169.254.169.254/latest", "http://8.8.8.8/"):
        with pytest.raises(RemoteRefusal) as caught:
            await hooks.call("CreateWebhookEndpoint", url=url)
        assert (caught.value.kind, caught.value.reason) == (
            Kind.UNPROCESSABLE,
            "webhook_url_refused",
        )
        assert [violation.field for violation in caught.value.violations] == ["url"]


async def test_a_private_address_is_also_refused_on_delivery(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.sql("UPDATE webhook_endpoints SET url = 'https://169.254.169.254/latest'")
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    assert [attempt.error for attempt in delivery.attempts] == ["address refused"]
    assert delivery.state == pb.WebhookDelivery.STATE_PENDING


async def test_unknown_event_types_are_refused_by_field(hooks: Hooks):
    endpoint = await hooks.endpoint()
    types = ["payment.captured", "payment.exploded", "*"]
    for work, field in (
        (hooks.endpoint(event_types=types), "event_types"),
        (
            hooks.call(
                "UpdateWebhookEndpoint",
                webhook_endpoint_id=endpoint.id,
                event_types=pb.EventTypes(types=types),
            ),
            "event_types.types",
        ),
    ):
        with pytest.raises(RemoteRefusal) as caught:
            await work
        assert caught.value.reason == "invalid_argument"
        assert [v.field for v in caught.value.violations] == [f"{field}.1", f"{field}.2"]


async def test_concurrent_creations_do_not_exceed_the_endpoint_limit(hooks: Hooks):
    results = await asyncio.gather(
        *(hooks.endpoint(f"/{number}") for number in range(MOST_ENDPOINTS + 5)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, RemoteRefusal)]
    assert len(refused) == 5
    assert {(r.kind, r.reason) for r in refused} == {(Kind.CONFLICT, "too_many_webhook_endpoints")}


async def test_endpoints_are_listed_in_pages(hooks: Hooks):
    made = [(await hooks.endpoint(f"/{number}")).id for number in range(3)]
    page = await hooks.call("ListWebhookEndpoints", limit=2)
    rest = await hooks.call("ListWebhookEndpoints", cursor=page.next_cursor)
    assert [one.id for one in [*page.data, *rest.data]] == made[::-1]
    assert not rest.HasField("next_cursor")


async def test_an_update_keeps_unnamed_fields_and_clears_empty_ones(hooks: Hooks):
    endpoint = await hooks.endpoint(description="Shop", event_types=["payment.*"])
    answer = await hooks.call(
        "UpdateWebhookEndpoint",
        webhook_endpoint_id=endpoint.id,
        url=f"{hooks.receiver.url}/new",
    )
    changed = answer.webhook_endpoint
    assert changed.url.endswith("/new")
    assert (changed.description, list(changed.event_types)) == ("Shop", ["payment.*"])
    answer = await hooks.call(
        "UpdateWebhookEndpoint",
        webhook_endpoint_id=endpoint.id,
        description="",
        event_types=pb.EventTypes(),
    )
    assert not answer.webhook_endpoint.HasField("description")
    assert list(answer.webhook_endpoint.event_types) == []


async def test_a_disabled_endpoint_gets_nothing_and_once_enabled_only_later_events(
    hooks: Hooks,
):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    answer = await hooks.call(
        "UpdateWebhookEndpoint", webhook_endpoint_id=endpoint.id, state=DISABLED
    )
    disabled = answer.webhook_endpoint
    assert disabled.disabled_reason == pb.WebhookEndpoint.DISABLED_REASON_MERCHANT
    await hooks.happen()
    assert await hooks.send() == 0
    answer = await hooks.call(
        "UpdateWebhookEndpoint", webhook_endpoint_id=endpoint.id, state=ENABLED
    )
    assert not answer.webhook_endpoint.HasField("disabled_reason")
    third = await hooks.happen()
    assert await hooks.send() == 1
    assert [one.event_id for one in hooks.receiver.received] == [third]


async def test_deleting_an_endpoint_drops_its_waiting_deliveries(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.call("DeleteWebhookEndpoint", webhook_endpoint_id=endpoint.id)
    assert await hooks.send() == 0
    again = hooks.call("DeleteWebhookEndpoint", webhook_endpoint_id=endpoint.id)
    assert await refusal(again) == (Kind.NOT_FOUND, "webhook_endpoint_not_found")
    assert (await hooks.call("ListEvents")).data, "the event is still listed"


async def test_during_the_overlap_both_secrets_verify(hooks: Hooks):
    made = await hooks.endpoint()
    answer = await hooks.call("RotateWebhookSecret", webhook_endpoint_id=made.id)
    rotated = answer.webhook_endpoint
    assert rotated.secret != made.secret
    left = rotated.previous_secret_expires_at.ToSeconds() - hooks.time().timestamp()
    assert abs(left - timedelta(days=1).total_seconds()) < 10
    await hooks.happen()
    await hooks.send()
    (received,) = hooks.receiver.received
    for secret in (made.secret, rotated.secret):
        Webhook(secret).verify(received.body, received.headers)
    assert len(received.headers["webhook-signature"].split(" ")) == 2


async def test_after_the_overlap_only_the_new_secret_verifies(hooks: Hooks):
    made = await hooks.endpoint()
    answer = await hooks.call("RotateWebhookSecret", webhook_endpoint_id=made.id, overlap_seconds=0)
    rotated = answer.webhook_endpoint
    assert not rotated.HasField("previous_secret_expires_at")
    await hooks.happen()
    await hooks.send()
    (received,) = hooks.receiver.received
    Webhook(rotated.secret).verify(received.body, received.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(received.body, received.headers)


async def test_a_repeated_rotation_rotates_once(hooks: Hooks):
    made = await hooks.endpoint()
    fields = {"webhook_endpoint_id": made.id, "key": "rotate"}
    first = (await hooks.call("RotateWebhookSecret", **fields)).webhook_endpoint
    again = (await hooks.call("RotateWebhookSecret", **fields)).webhook_endpoint
    assert first.secret
    assert not again.HasField("secret")
    await hooks.happen()
    await hooks.send()
    (received,) = hooks.receiver.received
    Webhook(first.secret).verify(received.body, received.headers)


async def test_five_secrets_sign_however_often_they_are_rotated(hooks: Hooks):
    made = await hooks.endpoint()
    for _ in range(8):
        await hooks.call("RotateWebhookSecret", webhook_endpoint_id=made.id)
    await hooks.happen()
    await hooks.send()
    (received,) = hooks.receiver.received
    assert len(received.headers["webhook-signature"].split(" ")) == 5


async def published(hooks: Hooks) -> list[tuple[str, bytes]]:
    """The merchant's events in the outbox."""
    async with hooks.deps.db.connection() as conn:
        rows = await conn.fetch(
            "SELECT subject, body FROM outbox WHERE merchant_id = $1 ORDER BY occurred_at",
            hooks.merchant_id,
        )
    return [(row["subject"], row["body"]) for row in rows]


async def test_other_endpoints_are_notified_of_a_disabled_endpoint(hooks: Hooks):
    gone = await hooks.endpoint("/gone", event_types=["payment.*"])
    other = await hooks.endpoint("/other", event_types=["webhook_endpoint.*"])
    hooks.receiver.answer("/gone", 410)
    await hooks.happen()
    await hooks.send()
    ((subject, body),) = await published(hooks)
    await hooks.happen(subject, body)
    await hooks.send()
    (received,) = hooks.receiver.at("/other")
    event = json.loads(received.body)
    assert event["type"] == "webhook_endpoint.disabled"
    endpoint = event["data"]["webhook_endpoint"]
    assert (endpoint["id"], endpoint["disabled_reason"]) == (gone.id, "gone")
    assert "secret" not in endpoint
    assert (await hooks.seen(other)).state == ENABLED


async def test_disabling_an_endpoint_twice_publishes_one_event(hooks: Hooks):
    made = await hooks.endpoint()
    for _ in range(2):
        await hooks.call("UpdateWebhookEndpoint", webhook_endpoint_id=made.id, state=DISABLED)
    assert [subject for subject, _ in await published(hooks)] == [events.ENDPOINT_DISABLED]


async def test_a_key_without_events_read_cannot_direct_events_to_an_endpoint(hooks: Hooks):
    made = await hooks.endpoint()
    hooks.scopes = frozenset({"webhooks:write", "webhooks:read"})
    elsewhere = f"{hooks.receiver.url}/elsewhere"
    assert await refusal(hooks.endpoint()) == (Kind.FORBIDDEN, "scope_not_held")
    for change in (
        {"url": elsewhere},
        {"event_types": pb.UpdateWebhookEndpointRequest().event_types},
    ):
        work = hooks.call("UpdateWebhookEndpoint", webhook_endpoint_id=made.id, **change)
        assert await refusal(work) == (Kind.FORBIDDEN, "scope_not_held")
    assert (await hooks.seen(made)).url == made.url
    await hooks.call("UpdateWebhookEndpoint", webhook_endpoint_id=made.id, description="Shop")
    hooks.scopes = frozenset({"webhooks:write", "events:read"})
    assert (await hooks.endpoint("/elsewhere")).url == elsewhere
