"""Endpoints: created, changed, given new secrets and deleted. A merchant never sees another's."""

import base64
import secrets
from collections.abc import Sequence

from libs import clock, context, idempotency, ids, outbox
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from libs.outbox import NewEvent
from services.notify import errors
from services.notify.deps import Deps
from services.notify.webhooks import events
from services.notify.webhooks.rules import domain, signing
from services.notify.webhooks.rules.domain import (
    Endpoint,
    EndpointChange,
    EndpointState,
    MadeEndpoint,
)
from services.notify.webhooks.store import deliveries
from services.notify.webhooks.store import endpoints as store
from services.notify.webhooks.store.endpoints import ENDPOINTS


def check_may_read() -> None:
    """Only a key that may read events may have them sent somewhere. Raises ScopeNotHeld."""
    call = context.current()
    if call.actor.startswith("key_") and not call.scopes & domain.READING_SCOPES:
        raise errors.ScopeNotHeld


async def create_endpoint(
    deps: Deps, *, url: str, description: str | None, event_types: Sequence[str], key: Key | None
) -> MadeEndpoint:
    check_may_read()
    merchant_id, secret = context.merchant_id(), new_secret()
    types = domain.check_event_types(event_types, "event_types")
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return MadeEndpoint(await get_endpoint(deps, again.resource_id), None)
    await deps.guard.check(url)

    async def create(tx: Conn, endpoint_id: str) -> None:
        await store.lock_merchant(tx, merchant_id)
        made = await ENDPOINTS.count(tx, "WHERE merchant_id = $1", merchant_id)
        if made >= domain.MOST_ENDPOINTS:
            raise errors.TooManyWebhookEndpoints
        endpoint = Endpoint(
            id=endpoint_id,
            merchant_id=merchant_id,
            state=domain.ENDPOINT_INITIAL,
            url=url,
            description=description or None,
            event_types=types,
            created_at=deps.now(),
        )
        await ENDPOINTS.add(tx, endpoint)
        await store.insert_secret(tx, endpoint, deps.seal.close(secret))

    made = await idempotency.once(deps.db, key, ids.new("whe"), create)
    endpoint = await get_endpoint(deps, made.resource_id)
    return MadeEndpoint(endpoint, secret if made.fresh else None)


def new_secret() -> str:
    """`whsec_` and 24 random bytes in base64."""
    random = secrets.token_bytes(signing.SECRET_BYTES)
    return signing.PREFIX + base64.b64encode(random).decode()


async def get_endpoint(deps: Deps, endpoint_id: str) -> Endpoint:
    endpoint = await deps.db.run(ENDPOINTS.get, context.merchant_id(), endpoint_id)
    return required(endpoint, errors.WebhookEndpointNotFound)


async def update_endpoint(
    deps: Deps, endpoint_id: str, change: EndpointChange, key: Key | None
) -> Endpoint:
    """The endpoint after the change; a repeat does not apply it again."""
    if change.url is not None or change.event_types is not None:
        check_may_read()
    if change.event_types is not None:
        domain.check_event_types(change.event_types, "event_types.types")
    if await idempotency.answered(deps.db, key) is not None:
        return await get_endpoint(deps, endpoint_id)
    if change.url is not None:
        await deps.guard.check(change.url)

    async def update(tx: Conn, _: str) -> None:
        endpoint = await locked(tx, endpoint_id)
        await save(deps, tx, endpoint, domain.change_endpoint(endpoint, change))

    await idempotency.once(deps.db, key, endpoint_id, update)
    return await get_endpoint(deps, endpoint_id)


async def save(deps: Deps, conn: Conn, before: Endpoint, after: Endpoint) -> None:
    """Saves a decision about a locked endpoint.

    If it is disabled, its pending deliveries fail, and the merchant's other endpoints are notified.
    """
    if after == before:
        return
    await store.save(conn, before, after)
    if before.state is not after.state and after.state is EndpointState.DISABLED:
        await deliveries.fail_pending(conn, after)
        event = NewEvent(
            after.merchant_id,
            after.id,
            events.ENDPOINT_DISABLED,
            events.endpoint_disabled(after),
            deps.now() + await clock.offset(conn, after.merchant_id),
        )
        await outbox.append(conn, event)


async def delete_endpoint(deps: Deps, webhook_endpoint_id: str) -> None:
    """Deletes it with its deliveries and their attempts."""
    async with deps.db.transaction() as tx:
        endpoint = await locked(tx, webhook_endpoint_id)
        await store.delete(tx, endpoint.merchant_id, endpoint.id)


async def rotate_secret(
    deps: Deps, webhook_endpoint_id: str, overlap_seconds: int | None, key: Key | None
) -> MadeEndpoint:
    """A new secret; the previous one also signs until the overlap ends."""
    secret, overlap = new_secret(), domain.overlap(overlap_seconds)

    async def rotate(tx: Conn, _: str) -> None:
        endpoint, now = await locked(tx, webhook_endpoint_id), deps.now()
        await store.end_secret(tx, endpoint, now + overlap)
        await store.insert_secret(tx, endpoint, deps.seal.close(secret))
        await store.delete_old_secrets(tx, endpoint, now=now, keep=domain.MOST_SECRETS)

    made = await idempotency.once(deps.db, key, webhook_endpoint_id, rotate)
    endpoint = await get_endpoint(deps, webhook_endpoint_id)
    return MadeEndpoint(endpoint, secret if made.fresh else None)


async def locked(conn: Conn, endpoint_id: str) -> Endpoint:
    """The endpoint of the current call's merchant, locked. Raises WebhookEndpointNotFound."""
    endpoint = await ENDPOINTS.lock(conn, context.merchant_id(), endpoint_id)
    return required(endpoint, errors.WebhookEndpointNotFound)
