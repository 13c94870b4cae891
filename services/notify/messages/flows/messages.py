"""What a merchant does with messages: look at them, and have one sent again as a new one."""

from libs import context, idempotency, ids
from libs.errors import invalid
from libs.formats import CHECKS
from libs.idempotency import Key
from libs.normal_forms import NORMAL_FORMS
from libs.pages import Listed, Page
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
from services.notify.messages.store.messages import MessageFilter


async def get_message(deps: Deps, message_id: str) -> Message:
    async with deps.db.connection() as conn:
        return _found(await store.get(conn, context.merchant_id(), message_id))


async def list_messages(deps: Deps, page: Page, wanted: MessageFilter) -> Listed[Message]:
    async with deps.db.connection() as conn:
        return await store.page(conn, context.merchant_id(), page, wanted)


async def resend_message(
    deps: Deps, message_id: str, recipient: str | None, key: Key | None
) -> Message:
    """The new message, the same for the same key."""
    before = await get_message(deps, message_id)
    recipient = _normal(before.channel, recipient) if recipient else before.recipient
    over = await _is_over(deps, before)  # asked outside of the transaction
    new = domain.resent(
        before,
        message_id=ids.new("msg"),
        recipient=recipient,
        now=deps.clock.now(),
    )
    merchant_id = before.merchant_id
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, new.id)
        if claim.fresh:
            locked = await store.lock(tx, merchant_id, message_id)
            if locked is None or locked.state in UNDER_WAY:
                raise MessageUnderWay
            if over:
                raise PaymentLinkClosed
            address = domain.normalised(new.channel, new.recipient)
            if any(await suppressions.contain(tx, [(merchant_id, new.channel, address)])):
                raise RecipientSuppressed
            await store.insert(tx, [new])
            await idempotency.finish(tx, key, b"")  # answered from the row, not from a copy
        return domain.as_made(_found(await store.get(tx, merchant_id, claim.resource_id)))


def _found(message: Message | None) -> Message:
    if message is None:
        raise MessageNotFound
    return message


def _normal(channel: Channel, recipient: str) -> str:
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
