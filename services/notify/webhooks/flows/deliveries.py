"""A delivery attempt: the claim has written the intent; then POST; then the record.

At least once: after a crash between the answer and its record, the lease expires and the event is
sent again under the same `webhook-id`, by which receivers recognise repeats.
"""

import secrets

from libs import telemetry
from services.notify.deps import Deps
from services.notify.webhooks import events
from services.notify.webhooks.flows.endpoints import save
from services.notify.webhooks.rules import domain, signing
from services.notify.webhooks.rules.domain import Attempt, DeliveryState, EndpointState
from services.notify.webhooks.store import deliveries
from services.notify.webhooks.store.deliveries import DELIVERIES, DueDelivery
from services.notify.webhooks.store.endpoints import ENDPOINTS

_random = secrets.SystemRandom()


async def deliver(deps: Deps, due: DueDelivery) -> DeliveryState | None:
    """Sends a delivery leased to us and records the outcome; returns its state.

    None: its endpoint is gone. Deliveries that arrive while their endpoint is being disabled fail
    unsent.
    """
    if not due.enabled:
        await _fail(deps, due)
        return DeliveryState.FAILED
    body = events.body_of(due.event)
    with telemetry.span(
        "POST webhook",
        kind=telemetry.SpanKind.CLIENT,
        parent=due.event.traceparent,
        attributes={"messaging.message.id": due.event.id},
    ):
        headers = {
            "content-type": "application/json",
            **signing.headers(
                [deps.seal.open(sealed) for sealed in due.sealed],
                event_id=due.event.id,
                timestamp=int(deps.now().timestamp()),
                body=body,
            ),
        }
        if traceparent := telemetry.traceparent():
            headers[telemetry.TRACEPARENT] = traceparent
        attempt = await deps.receivers.post(due.url, headers, body)
        return await _record(deps, due, attempt)


async def _fail(deps: Deps, due: DueDelivery) -> None:
    async with deps.db.transaction() as tx:
        endpoint = await ENDPOINTS.lock(tx, due.merchant_id, due.endpoint_id)
        if endpoint is not None and endpoint.state is EndpointState.DISABLED:
            await deliveries.fail_pending(tx, endpoint)


async def _record(deps: Deps, due: DueDelivery, attempt: Attempt) -> DeliveryState | None:
    """Records the attempt's effect on the delivery and its endpoint. None: deleted meanwhile."""
    now = deps.now()
    async with deps.db.transaction() as tx:
        endpoint = await ENDPOINTS.lock(tx, due.merchant_id, due.endpoint_id)
        delivery = await DELIVERIES.lock(tx, due.merchant_id, due.id)
        if endpoint is None or delivery is None:
            return None
        await deliveries.insert_attempt(tx, delivery, attempt)
        after = domain.after_attempt(delivery, attempt, now=now, spread=_random.uniform(-1, 1))
        await deliveries.save(tx, delivery, after)
        given_up = after.state is DeliveryState.FAILED
        changed = domain.endpoint_after(endpoint, attempt, given_up=given_up, now=now)
        await save(deps, tx, endpoint, changed)
    return after.state
