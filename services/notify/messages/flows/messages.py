"""Queues messages, for an event or a resend; nothing is sent here."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import invalid, required
from libs.formats import CHECKS
from libs.idempotency import Key
from libs.normal_forms import NORMAL_FORMS
from services.notify import errors
from services.notify.deps import Deps
from services.notify.messages.paylink_client import LinkOverError
from services.notify.messages.rules import domain, quotas, retry
from services.notify.messages.rules.domain import PAYABLE, UNDER_WAY, Channel, Message, State
from services.notify.messages.store import messages as store
from services.notify.messages.store import sms, suppressions
from services.notify.messages.store.messages import MESSAGES


async def queue_messages(conn: Conn, messages: Sequence[Message]) -> None:
    """Queues each at most once per event, channel and kind, and skips old confirmations."""
    current = [
        message
        for message in messages
        if message.kind in PAYABLE or message.queued_at - message.created_at <= retry.STALE
    ]
    if current:
        await store.insert(conn, current)


async def forget_customer(conn: Conn, merchant_id: str, customer_id: str) -> None:
    """Erases notify's copies after the customer was erased elsewhere."""
    await store.erase_customer(conn, merchant_id, customer_id)


async def resend_message(
    deps: Deps, message_id: str, recipient: str | None, key: Key | None
) -> Message:
    """The new message, the same for the same key. Without `recipient`: to the previous one."""
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return domain.as_made(await _found(deps, again.resource_id))
    before = await _found(deps, message_id)
    to = _normal(before.channel, recipient) if recipient else before.recipient
    over = await _is_over(deps, before)  # asked outside the transaction

    async def resend(tx: Conn, new_id: str) -> None:
        locked = await MESSAGES.lock(tx, before.merchant_id, message_id)
        if locked is None or locked.state in UNDER_WAY:
            raise errors.MessageUnderWay
        if over:
            raise errors.PaymentLinkClosed
        address = domain.normalised(before.channel, to)
        if any(await suppressions.contain(tx, [(before.merchant_id, before.channel, address)])):
            raise errors.RecipientSuppressed
        now = deps.clock.now()
        new = domain.resent(before, message_id=new_id, recipient=to, now=now)
        await store.insert(tx, [new])

    made = await idempotency.once(deps.db, key, ids.new("msg"), resend)
    return domain.as_made(await _found(deps, made.resource_id))


async def _found(deps: Deps, message_id: str) -> Message:
    found = await deps.db.run(MESSAGES.get, context.merchant_id(), message_id)
    return required(found, errors.MessageNotFound)


def _normal(channel: Channel, recipient: str) -> str:
    """The recipient in its normal form. Raises InvalidArgument."""
    known = "FORMAT_EMAIL" if channel is Channel.EMAIL else "FORMAT_PHONE"
    normal = NORMAL_FORMS[known](recipient)
    if wrong := CHECKS[known](normal):
        raise invalid("recipient", wrong)
    return normal


async def _is_over(deps: Deps, message: Message) -> bool:
    if message.state is State.OBSOLETE:
        return True
    if message.state in UNDER_WAY or message.kind not in PAYABLE:
        return False
    try:
        link = await deps.links.address(message.payment_link_id or "")
    except LinkOverError:
        return True
    return domain.is_out_of_place(message.kind, paying=link.paying)


@dataclass(frozen=True, slots=True)
class UsedSms:
    """Text messages of a month such as "2026-11"."""

    month: str
    used: int


async def get_sms_usage(deps: Deps) -> UsedSms:
    month = quotas.month_of(deps.clock.now())
    used = await deps.db.run(sms.used, context.merchant_id(), month)
    return UsedSms(f"{month:%Y-%m}", used)
