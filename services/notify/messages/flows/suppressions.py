"""Suppressions: addresses to which nothing is sent any more."""

from datetime import datetime

from libs import context, ids
from libs.db import Conn
from services.notify.deps import Deps
from services.notify.errors import SuppressionNotFound
from services.notify.messages.rules import domain
from services.notify.messages.rules.domain import Message, Suppression, SuppressionReason
from services.notify.messages.store import suppressions as store


async def suppress(conn: Conn, message: Message, reason: SuppressionReason, now: datetime) -> None:
    """Suppresses this message's address."""
    suppression = Suppression(
        id=ids.new("sup"),
        merchant_id=message.merchant_id,
        channel=message.channel,
        recipient=domain.normalised(message.channel, message.recipient),
        reason=reason,
        created_at=now,
    )
    await store.insert(conn, suppression)


async def delete_suppression(deps: Deps, suppression_id: str) -> None:
    """Deleting it again changes nothing."""
    async with deps.db.connection() as conn:
        if not await store.remove(conn, context.merchant_id(), suppression_id, deps.clock.now()):
            raise SuppressionNotFound
