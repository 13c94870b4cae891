"""Endpoints: made, changed, given new secrets and deleted. A merchant never sees another one's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from libs import clock, context, idempotency, ids, outbox
from libs.db import Conn
from libs.pages import Page, cut
from services.notify.deps import Deps
from services.notify.errors import (
    ScopeNotHeld,
    TooManyWebhookEndpoints,
    WebhookEndpointNotFound,
)
from services.notify.webhooks import events
from services.notify.webhooks.rules import domain, signing
from services.notify.webhooks.rules.domain import Endpoint, EndpointChange, EndpointState
from services.notify.webhooks.store import deliveries, endpoints


@dataclass(frozen=True, slots=True)
class MadeEndpoint:
    """`secret` only in the answer that made it: a repeat does not show it again."""

    endpoint: Endpoint
    secret: str | None = None

    def __repr__(self) -> str:
        return f"MadeEndpoint({self.endpoint!r})"


@dataclass(frozen=True, slots=True)
class CreateEndpoint:
    merchant_id: str
    url: str
    description: str | None
    event_types: Sequence[str]
    once: idempotency.Key | None = None


def check_may_read() -> None:
    """A key that cannot read events cannot have them sent somewhere either. Raises ScopeNotHeld."""
    call = context.current()
    is_key = call.actor.startswith("key_")
    if is_key and not call.scopes & domain.READING_SCOPES:
        raise ScopeNotHeld


async def create_endpoint(deps: Deps, cmd: CreateEndpoint) -> MadeEndpoint:
    check_may_read()
    event_types = domain.check_event_types(cmd.event_types, "event_types")
    await deps.guard.check(cmd.url)
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, cmd.once, ids.new("whe"))
        if not claim.fresh:
            return MadeEndpoint(found(await endpoints.get(tx, cmd.merchant_id, claim.resource_id)))
        await endpoints.lock_merchant(tx, cmd.merchant_id)
        if await endpoints.count(tx, cmd.merchant_id) >= domain.MOST_ENDPOINTS:
            raise TooManyWebhookEndpoints
        endpoint = Endpoint(
            id=claim.resource_id,
            merchant_id=cmd.merchant_id,
            state=domain.ENDPOINT_INITIAL,
            url=cmd.url,
            description=cmd.description or None,
            event_types=event_types,
            created_at=deps.now(),
        )
        await endpoints.insert(tx, endpoint)
        secret = await _add_secret(deps, tx, endpoint)
        await idempotency.complete(tx, cmd.once, b"")
    return MadeEndpoint(endpoint, secret)


async def _add_secret(deps: Deps, conn: Conn, endpoint: Endpoint) -> str:
    secret = signing.new_secret()
    await endpoints.insert_secret(conn, endpoint.merchant_id, endpoint.id, deps.seal.close(secret))
    return secret


async def get_endpoint(deps: Deps, merchant_id: str, endpoint_id: str) -> Endpoint:
    async with deps.db.connection() as conn:
        return found(await endpoints.get(conn, merchant_id, endpoint_id))


async def list_endpoints(
    deps: Deps, merchant_id: str, page: Page
) -> tuple[Sequence[Endpoint], str]:
    """One page, newest first, and the cursor of the next."""
    async with deps.db.connection() as conn:
        return cut(await endpoints.page(conn, merchant_id, page), page)


async def update_endpoint(
    deps: Deps,
    merchant_id: str,
    endpoint_id: str,
    change: EndpointChange,
    once: idempotency.Key | None,
) -> Endpoint:
    """The endpoint after the change; a repeat changes nothing again."""
    if change.url is not None or change.event_types is not None:
        check_may_read()
    if change.event_types is not None:
        domain.check_event_types(change.event_types, "event_types.types")
    if change.url is not None:
        await deps.guard.check(change.url)
    async with deps.db.transaction() as tx:
        endpoint = found(await endpoints.lock(tx, merchant_id, endpoint_id))
        if not (await idempotency.claim(tx, once, endpoint_id)).fresh:
            return endpoint
        changed = domain.change_endpoint(endpoint, change)
        await save(deps, tx, endpoint, changed)
        await idempotency.complete(tx, once, b"")
    return changed


async def save(deps: Deps, conn: Conn, before: Endpoint, after: Endpoint) -> None:
    """A decision about a locked endpoint.

    What waits for one that is disabled has failed, and the merchant's other endpoints are told.
    """
    if after == before:
        return
    await endpoints.save(conn, before, after)
    if before.state is not after.state and after.state is EndpointState.DISABLED:
        await deliveries.fail_pending(conn, after)
        ahead = await clock.offset(conn, after.merchant_id)
        await outbox.append(
            conn,
            merchant_id=after.merchant_id,
            aggregate_id=after.id,
            subject=events.ENDPOINT_DISABLED,
            body=events.endpoint_disabled(after),
            at=deps.now() + ahead,
        )


async def delete_endpoint(deps: Deps, merchant_id: str, endpoint_id: str) -> None:
    """With its deliveries and their tries."""
    async with deps.db.transaction() as tx:
        found(await endpoints.lock(tx, merchant_id, endpoint_id))
        await endpoints.delete(tx, merchant_id, endpoint_id)


async def rotate_secret(
    deps: Deps,
    merchant_id: str,
    endpoint_id: str,
    overlap: timedelta,
    once: idempotency.Key | None,
) -> MadeEndpoint:
    """A new secret; the one before signs as well until the overlap is over."""
    async with deps.db.transaction() as tx:
        endpoint = found(await endpoints.lock(tx, merchant_id, endpoint_id))
        if not (await idempotency.claim(tx, once, endpoint_id)).fresh:
            return MadeEndpoint(endpoint)
        now = deps.now()
        await endpoints.end_secret(tx, merchant_id, endpoint_id, now + overlap)
        secret = await _add_secret(deps, tx, endpoint)
        await endpoints.delete_old_secrets(
            tx, merchant_id, endpoint_id, now=now, keep=domain.MOST_SECRETS
        )
        await idempotency.complete(tx, once, b"")
        endpoint = found(await endpoints.get(tx, merchant_id, endpoint_id))
    return MadeEndpoint(endpoint, secret)


def found(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise WebhookEndpointNotFound
    return endpoint
