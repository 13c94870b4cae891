"""Deliveries at a merchant's request: a test, an event, a period, or a retry now."""

from datetime import datetime

from libs import context, idempotency, ids, public_events, telemetry
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Answered, Key
from services.notify.deps import Deps
from services.notify.errors import EventNotFound, WebhookDeliveryNotFound, WebhookEndpointDisabled
from services.notify.webhooks import events
from services.notify.webhooks.flows import endpoints
from services.notify.webhooks.flows.feed import deliver
from services.notify.webhooks.rules import domain
from services.notify.webhooks.rules.domain import Delivery, Endpoint, EndpointState, TriedDelivery
from services.notify.webhooks.store import deliveries, feed
from services.notify.webhooks.store.deliveries import DELIVERIES, TRIED
from services.notify.webhooks.store.feed import EVENTS


async def send_test(deps: Deps, webhook_endpoint_id: str, key: Key | None) -> TriedDelivery:
    """A test event, to this endpoint only."""
    event = events.test_event(
        webhook_endpoint_id,
        event_id=ids.new("evt"),
        merchant_id=context.merchant_id(),
        traceparent=telemetry.traceparent(),
        now=deps.clock.now(),
    )

    async def send(tx: Conn, delivery_id: str) -> None:
        endpoint, now = await _enabled(tx, webhook_endpoint_id), deps.now()
        delivery = Delivery(
            id=delivery_id,
            merchant_id=event.merchant_id,
            endpoint_id=endpoint.id,
            event_id=event.id,
            event_type=event.type,
            state=domain.DELIVERY_INITIAL,
            tries=0,
            due_at=now,
            created_at=now,
        )
        await feed.insert_events(tx, [event])
        await DELIVERIES.add(tx, delivery)
        tx.after_commit(deps.webhooks_due.set)

    return await _tried(deps, await idempotency.once(deps.db, key, ids.new("whd"), send))


async def retry_delivery(deps: Deps, webhook_delivery_id: str, key: Key | None) -> TriedDelivery:
    """Makes the delivery due now, whatever its state."""
    merchant_id = context.merchant_id()

    async def retry(tx: Conn, _: str) -> None:
        seen = await DELIVERIES.get(tx, merchant_id, webhook_delivery_id)
        await _enabled(tx, required(seen, WebhookDeliveryNotFound).endpoint_id)  # locked first
        locked = await DELIVERIES.lock(tx, merchant_id, webhook_delivery_id)
        delivery = required(locked, WebhookDeliveryNotFound)
        await deliveries.save(tx, delivery, domain.retry(delivery, now=deps.now()))
        tx.after_commit(deps.webhooks_due.set)

    return await _tried(deps, await idempotency.once(deps.db, key, webhook_delivery_id, retry))


async def replay(
    deps: Deps,
    webhook_endpoint_id: str,
    key: Key | None,
    *,
    created_from: datetime,
    created_to: datetime | None,
    include_delivered: bool,
) -> int:
    """Returns the number of new deliveries; a repeat returns the same number."""

    async def make(tx: Conn, endpoint_id: str) -> bytes:
        missed = await deliveries.missed(
            tx,
            await _enabled(tx, endpoint_id),
            created_from=created_from,
            created_to=created_to,
            include_delivered=include_delivered,
        )
        await deliver(deps, tx, missed)
        return str(len(missed)).encode()

    return int((await idempotency.once(deps.db, key, webhook_endpoint_id, make)).body)


async def resend_event(deps: Deps, event_id: str, key: Key | None) -> int:
    """To every enabled endpoint that wants it; returns their number. Test events are not resent."""

    async def resend(tx: Conn, event_id: str) -> bytes:
        event = required(await EVENTS.get(tx, context.merchant_id(), event_id), EventNotFound)
        wanted = () if event.type == public_events.TEST else await feed.wanting(tx, event)
        await deliver(deps, tx, wanted)
        return str(len(wanted)).encode()

    return int((await idempotency.once(deps.db, key, event_id, resend)).body)


async def _enabled(conn: Conn, endpoint_id: str) -> Endpoint:
    endpoint = await endpoints.locked(conn, endpoint_id)
    if endpoint.state is not EndpointState.ENABLED:
        raise WebhookEndpointDisabled
    return endpoint


async def _tried(deps: Deps, made: Answered) -> TriedDelivery:
    """The delivery in its current state."""
    delivery = await deps.db.run(TRIED.get, context.merchant_id(), made.resource_id)
    return required(delivery, WebhookDeliveryNotFound)
