"""The feed: turns what happened into events that merchants can read, and deliveries of them."""

from collections.abc import Sequence
from dataclasses import replace

from libs import public_events
from libs.bus import Event
from libs.db import Conn
from libs.errors import invalid
from services.notify.deps import Deps
from services.notify.webhooks import events
from services.notify.webhooks.rules.domain import PublicEvent
from services.notify.webhooks.store import feed
from services.notify.webhooks.store.feed import Wanted


async def take_events(deps: Deps, conn: Conn, happened: Sequence[Event]) -> None:
    """Runs in the inbox's transaction. A redelivered event creates no further deliveries."""
    if wanted := await feed.insert_events(conn, [_public(event) for event in happened]):
        await deliver(deps, conn, wanted)


async def deliver(deps: Deps, tx: Conn, wanted: Sequence[Wanted]) -> None:
    """Creates deliveries, which are sent as soon as they are committed."""
    await feed.deliver(tx, wanted)
    tx.after_commit(deps.webhooks_due.set)


def _public(event: Event) -> PublicEvent:
    public = PublicEvent(
        id=event.event_id,
        merchant_id=event.merchant_id,
        type=public_events.type_of(event.subject),
        message=public_events.MESSAGES[event.subject],
        body=event.body,
        traceparent=event.traceparent,
        created_at=event.occurred_at,
    )
    return replace(public, customer_id=events.customer_of(public))


async def forget_customer(conn: Conn, merchant_id: str, customer_id: str) -> None:
    """Removes personal data from events; what happened stays."""
    await feed.rewrite_of_customer(conn, merchant_id, customer_id, events.without_personal_data)


def types_of(pattern: str) -> tuple[str, ...]:
    """The types of a filter; none for no filter. Raises InvalidArgument naming `type`."""
    if pattern in {"", public_events.TEST}:
        return (pattern,) if pattern else ()
    types = public_events.types_matching(pattern)
    if not types:
        raise invalid("type", "is not a type of event, nor a noun with `.*`")
    return tuple(sorted(types))
