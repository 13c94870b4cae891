"""What a merchant asks to be sent: a test, an event again, a period again, a delivery now."""

from dataclasses import dataclass
from datetime import datetime

from libs import idempotency, ids
from libs.db import Conn
from services.notify.deps import Deps
from services.notify.errors import WebhookDeliveryNotFound, WebhookEndpointDisabled
from services.notify.webhooks.flows.deliveries import ShownDelivery
from services.notify.webhooks.flows.endpoints import found
from services.notify.webhooks.flows.feed import found as event_found
from services.notify.webhooks.rules import domain, public_events
from services.notify.webhooks.rules.domain import Delivery, Endpoint, EndpointState, PublicEvent
from services.notify.webhooks.store import deliveries, endpoints, feed


@dataclass(frozen=True, slots=True)
class ReplayWebhooks:
    merchant_id: str
    endpoint_id: str
    created_from: datetime
    created_to: datetime | None
    include_delivered: bool
    once: idempotency.Key | None = None


async def send_test(
    deps: Deps,
    event: PublicEvent,
    endpoint_id: str,
    once: idempotency.Key | None,
) -> ShownDelivery:
    """`event` to this endpoint alone."""
    async with deps.db.transaction() as tx:
        endpoint = await _enabled(tx, event.merchant_id, endpoint_id)
        claim = await idempotency.claim(tx, once, ids.new("whd"))
        if not claim.fresh:
            return await _shown(tx, event.merchant_id, claim.resource_id)
        now = deps.now()
        delivery = Delivery(
            id=claim.resource_id,
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
        await deliveries.insert(tx, delivery)
        await idempotency.complete(tx, once, b"")
    return ShownDelivery(delivery)


async def retry_delivery(
    deps: Deps, merchant_id: str, delivery_id: str, once: idempotency.Key | None
) -> ShownDelivery:
    """Due now, whatever its state."""
    async with deps.db.transaction() as tx:
        seen = _delivery_found(await deliveries.get(tx, merchant_id, delivery_id))
        claim = await idempotency.claim(tx, once, delivery_id)
        if claim.fresh:
            await _enabled(tx, merchant_id, seen.endpoint_id)
            delivery = _delivery_found(await deliveries.lock(tx, merchant_id, delivery_id))
            await deliveries.save(tx, delivery, domain.retry(delivery, now=deps.now()))
            await idempotency.complete(tx, once, b"")
        return await _shown(tx, merchant_id, delivery_id)


async def replay(deps: Deps, cmd: ReplayWebhooks) -> int:
    """Answers how many deliveries will be made; a repeat answers the same number."""
    async with deps.db.transaction() as tx:
        endpoint = await _enabled(tx, cmd.merchant_id, cmd.endpoint_id)
        claim = await idempotency.claim(tx, cmd.once, endpoint.id)
        if claim.answer is not None:
            return int(claim.answer)
        made = await deliveries.insert_replayed(
            tx,
            endpoint,
            created_from=cmd.created_from,
            created_to=cmd.created_to,
            include_delivered=cmd.include_delivered,
        )
        await idempotency.complete(tx, cmd.once, str(made).encode())
    return made


async def resend_event(
    deps: Deps, merchant_id: str, event_id: str, once: idempotency.Key | None
) -> int:
    """To every enabled endpoint that wants it; answers to how many. Test events are not resent."""
    async with deps.db.transaction() as tx:
        event = event_found(await feed.get_event(tx, merchant_id, event_id))
        claim = await idempotency.claim(tx, once, event_id)
        if claim.answer is not None:
            return int(claim.answer)
        is_test = event.type == public_events.TEST
        made = 0 if is_test else await feed.insert_deliveries(tx, event)
        await idempotency.complete(tx, once, str(made).encode())
    return made


async def _enabled(conn: Conn, merchant_id: str, endpoint_id: str) -> Endpoint:
    endpoint = found(await endpoints.lock(conn, merchant_id, endpoint_id))
    if endpoint.state is not EndpointState.ENABLED:
        raise WebhookEndpointDisabled
    return endpoint


async def _shown(conn: Conn, merchant_id: str, delivery_id: str) -> ShownDelivery:
    delivery = _delivery_found(await deliveries.get(conn, merchant_id, delivery_id))
    tries = await deliveries.attempts_of(conn, merchant_id, [delivery_id])
    return ShownDelivery(delivery, tries[delivery_id])


def _delivery_found(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise WebhookDeliveryNotFound
    return delivery
