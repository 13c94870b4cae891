"""Send a message again as a new one."""

from libs import context, idempotency, ids
from libs.errors import invalid
from libs.formats import CHECKS
from libs.idempotency import Key
from libs.normal_forms import NORMAL_FORMS
from services.notify.deps import Deps
from services.notify.errors import (
    MessageNotFound,
    MessageUnderWay,
    PaymentLinkClosed,
    RecipientSuppressed,
)
from services.notify.messages.paylink_client import LinkOverError
from services.notify.messages.rules import domain
from services.notify.messages.rules.domain import LINK_KINDS, UNDER_WAY, Channel, Message, State
from services.notify.messages.store import messages as store
from services.notify.messages.store import suppressions


async def resend_message(
    deps: Deps, message_id: str, recipient: str | None, key: Key | None
) -> Message:
    """The new message, the same for the same key."""
    merchant_id = context.merchant_id()
    async with deps.db.connection() as conn:
        before = await store.get(conn, merchant_id, message_id)
    if before is None:
        raise MessageNotFound
    if recipient:
        recipient = _checked(before.channel, recipient)
    over = await _is_over(deps, before)  # asked outside of the transaction
    new = domain.resent(
        before, message_id=ids.new("msg"), recipient=recipient or "", now=deps.clock.now()
    )
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, new.id)
        if not claim.fresh:
            made = await store.get(tx, merchant_id, claim.resource_id)
            if made is None:
                raise MessageNotFound
            return domain.as_made(made)
        locked = await store.lock(tx, merchant_id, message_id)
        if locked is None or locked.state in UNDER_WAY:
            raise MessageUnderWay
        if over:
            raise PaymentLinkClosed
        address = domain.normalised(new.channel, new.recipient)
        if await suppressions.contains(tx, merchant_id, new.channel, address):
            raise RecipientSuppressed
        await store.insert(tx, [new])
        await idempotency.complete(tx, key, b"")  # made again from the row, without a second copy
        made = await store.get(tx, merchant_id, new.id)
    return domain.as_made(made or new)


def _checked(channel: Channel, recipient: str) -> str:
    """In its normal form. Raises InvalidArgument."""
    known = "FORMAT_EMAIL" if channel is Channel.EMAIL else "FORMAT_PHONE"
    normal = NORMAL_FORMS[known](recipient)
    if wrong := CHECKS[known](normal):
        raise invalid("recipient", wrong)
    return normal


async def _is_over(deps: Deps, message: Message) -> bool:
    if message.state is State.OBSOLETE:
        return True
    if message.state in UNDER_WAY or message.kind not in LINK_KINDS:
        return False
    try:
        link = await deps.links.address(message.payment_link_id or "")
    except LinkOverError:
        return True
    return domain.is_out_of_place(message.kind, paying=link.paying)
