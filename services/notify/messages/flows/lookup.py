"""Look at messages and suppressions, and lift a suppression."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs import context, pages
from services.notify.deps import Deps
from services.notify.errors import MessageNotFound, SuppressionNotFound
from services.notify.messages.rules.domain import Message, State, Suppression
from services.notify.messages.store import messages, suppressions


@dataclass(frozen=True, slots=True)
class ListMessages:
    limit: int
    cursor: str
    state: State | None
    payment_link_id: str | None
    payment_id: str | None
    created_from: datetime | None
    created_to: datetime | None


async def get_message(deps: Deps, message_id: str) -> Message:
    async with deps.db.connection() as conn:
        message = await messages.get(conn, context.merchant_id(), message_id)
    if message is None:
        raise MessageNotFound
    return message


async def list_messages(deps: Deps, query: ListMessages) -> tuple[Sequence[Message], str]:
    """A page, and the cursor of the next one."""
    page = pages.page_of(limit=query.limit, cursor=query.cursor, prefix="msg")
    async with deps.db.connection() as conn:
        rows = await messages.page(
            conn,
            context.merchant_id(),
            page,
            state=query.state,
            payment_link_id=query.payment_link_id,
            payment_id=query.payment_id,
            created_from=query.created_from,
            created_to=query.created_to,
        )
    return pages.cut(rows, page)


async def list_suppressions(
    deps: Deps, *, limit: int, cursor: str
) -> tuple[Sequence[Suppression], str]:
    """A page, and the cursor of the next one."""
    page = pages.page_of(limit=limit, cursor=cursor, prefix="sup")
    async with deps.db.connection() as conn:
        rows = await suppressions.page(conn, context.merchant_id(), page)
    return pages.cut(rows, page)


async def delete_suppression(deps: Deps, suppression_id: str) -> None:
    """Deleting it again changes nothing."""
    async with deps.db.connection() as conn:
        if not await suppressions.remove(
            conn, context.merchant_id(), suppression_id, deps.clock.now()
        ):
            raise SuppressionNotFound
