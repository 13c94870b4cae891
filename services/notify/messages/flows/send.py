"""Sends one message: claimed and committed → prepared → marked → handed over → recorded.

A failure before the mark is retried. After the mark, the message may have arrived: e-mail stays
`unknown` and is never resent automatically; for text messages the provider is asked.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from libs.errors import Refusal, ServiceUnavailable
from libs.logs import log
from services.notify.deps import Deps
from services.notify.messages import rendering
from services.notify.messages.cod_client import CodeOverError
from services.notify.messages.events import SmsUsage, sms_quota_reached
from services.notify.messages.flows.attachments import attachments_of
from services.notify.messages.flows.contacts import with_contact
from services.notify.messages.flows.record import record_outcome
from services.notify.messages.members_client import InvitationOverError
from services.notify.messages.paylink_client import LinkOverError
from services.notify.messages.providers.base import Provider, Text
from services.notify.messages.rules import domain, emails, outcomes, quotas, retry
from services.notify.messages.rules.domain import (
    LINK_KINDS,
    PAYABLE,
    About,
    Channel,
    Kind,
    Merchant,
    Message,
)
from services.notify.messages.rules.mime import AddressRefusedError
from services.notify.messages.smtp_client import Parcel, TryLostError
from services.notify.messages.store import attempts, messages, sms, suppressions
from services.notify.messages.store.attempts import Mark

NOBODY = "no recipient: no address is known"
PAYING = "a payment of the link is under way"
CONFIRMED = "the payment is not pending any more"


async def send_message(deps: Deps, message: Message) -> None:
    """One attempt for a message that a worker has claimed."""
    hand_over = _HandOver(deps, message)
    try:
        outcome = await _try(deps, message, hand_over)
    except TryLostError:
        log.warning("attempt was taken over by another worker", message_id=message.id)
        return
    except (LinkOverError, CodeOverError, InvitationOverError) as error:
        outcome = outcomes.Obsolete(str(error))
    except Refusal as refusal:  # another service, or the database, does not answer
        outcome = hand_over.broken(refusal.reason)
    except Exception as error:  # noqa: BLE001 - our own bugs are retried too, for a limited time
        log.error("message failed", message_id=message.id, kind=message.kind.value, exc_info=error)
        outcome = hand_over.broken(type(error).__name__)
    await _recorded(deps, hand_over.message, outcome)


async def _recorded(deps: Deps, message: Message, outcome: outcomes.Outcome) -> None:
    """Only this process knows the outcome: a brief outage of the database must not lose it."""
    for pause in retry.RECORD_PAUSES:
        try:
            await record_outcome(deps, message, outcome)
        except ServiceUnavailable:
            log.warning("outcome not recorded yet", message_id=message.id)
            await asyncio.sleep(pause)
        else:
            return
    await record_outcome(deps, message, outcome)


class _HandOver:
    """The mark of an attempt, and whether it was set. `message` is updated with its contact."""

    def __init__(self, deps: Deps, message: Message) -> None:
        self._deps = deps
        self.message = message
        self.marked = False

    def broken(self, error: str) -> outcomes.Outcome:
        """The outcome of a fault: after the mark the message may have been accepted."""
        return outcomes.Lost(error) if self.marked else outcomes.Postponed(error)

    def of(self, content: bytes) -> Callable[[], Awaitable[bool]]:
        async def set_mark() -> bool:
            digest = hashlib.sha256(content).hexdigest()
            mark = Mark(self.message, digest, lease=retry.HAND_OVER_LEASE)
            self.marked = await self._deps.batcher.statement(attempts.mark_handing_over, mark)
            return self.marked

        return set_mark

    async def take_sms(self, body: str, merchant: Merchant) -> bool:
        """Marks and counts it. False: the plan allows no more this month. Raises TryLostError."""
        most = merchant.quotas.get(quotas.SMS)
        month = quotas.month_of(self._deps.clock.now())
        async with self._deps.db.transaction() as tx:
            taken = await sms.take(
                tx,
                self.message,
                month=month,
                most=most,
                body_sha256=hashlib.sha256(body.encode()).hexdigest(),
                lease=retry.HAND_OVER_LEASE,
            )
            if most and taken.used and (percent := quotas.reached(taken.used, most)):
                at = self._deps.clock.now()
                usage = SmsUsage(merchant.plan, most, taken.used, month)
                await sms_quota_reached(tx, self.message.merchant_id, usage, percent, at=at)
        if not taken.ours:
            raise TryLostError
        self.marked = taken.marked
        return taken.marked


async def _try(deps: Deps, message: Message, hand_over: _HandOver) -> outcomes.Outcome:
    if await _comes_too_late(deps, message):
        return outcomes.Obsolete(CONFIRMED)
    known = await with_contact(deps, message)
    if known is None:
        return outcomes.Obsolete(NOBODY)
    hand_over.message = known
    if known.channel is not message.channel:
        return outcomes.Redirected()
    address = domain.normalised(known.channel, known.recipient)
    listed = (known.merchant_id, known.channel, address)
    if await deps.batcher.statement(suppressions.contain, listed):
        return outcomes.Suppressed()
    url, about = await _as_of_now(deps, known)
    merchant = await deps.merchants.get()
    locale = known.locale or merchant.locale
    if known.channel is Channel.EMAIL:
        attachments = await attachments_of(deps, replace(known, locale=locale))
        email = emails.compose(
            known.kind, about, merchant, locale=locale, url=url, attachments=attachments
        )
        return await _by_mail(deps, known, email, merchant, hand_over)
    body = emails.text_message(known.kind, about, merchant, locale=locale, url=url)
    return await _by_phone(deps, known, body, merchant, hand_over)


async def _as_of_now(deps: Deps, message: Message) -> tuple[str, About]:
    """The URL that it links to, if any, and its contents. Raises LinkOverError, CodeOverError,
    InvitationOverError, Refusal.
    """
    about = message.about
    if message.kind in PAYABLE and message.payment_link_id:
        link = await deps.links.address(message.payment_link_id)
        if domain.is_out_of_place(message.kind, paying=link.paying):
            raise LinkOverError(PAYING)
        return link.url, link.about if message.kind in LINK_KINDS else about
    if message.plan_id:
        return await deps.plans.address(message.plan_id), about
    if message.cod_order_id:
        if message.kind is Kind.COD_CODE:
            about = replace(about, code=await deps.cod_orders.code(message.cod_order_id))
        return await deps.cod_orders.address(message.cod_order_id), about
    if message.kind is Kind.INVITATION:
        return await deps.members.link(about.member_id, recipient=message.recipient), about
    return "", about


async def _comes_too_late(deps: Deps, message: Message) -> bool:
    """Whether the payment already has a receipt, so that "pending" is no longer true."""
    if message.kind is not Kind.PENDING or message.payment_id is None:
        return False
    return await deps.db.run(messages.has_receipt, message.merchant_id, message.payment_id)


async def _by_mail(
    deps: Deps, message: Message, email: emails.Email, merchant: Merchant, hand_over: _HandOver
) -> outcomes.Outcome:
    envelope = rendering.Envelope(
        message_id=message.id,
        mail_from=deps.mail_from,
        to=message.recipient,
        to_name=message.about.name,
        at=deps.now(),
    )
    try:
        content = rendering.email_of(email, merchant, envelope, public_url=deps.public_url)
    except AddressRefusedError as error:
        return outcomes.Refused(str(error))
    sender = deps.return_addresses.of(message.id) or deps.mail_from
    parcel = Parcel(sender=sender, to=message.recipient, content=content)
    return await deps.mailer.hand_over(parcel, hand_over.of(content))


async def _by_phone(
    deps: Deps, message: Message, body: str, merchant: Merchant, hand_over: _HandOver
) -> outcomes.Outcome:
    provider = provider_for(deps, message.channel)
    if provider is None:
        return outcomes.Refused(f"no provider of {message.channel.value} is set up")
    if message.channel is Channel.SMS:
        if not await hand_over.take_sms(body, merchant):
            return outcomes.OverQuota(quotas.used_up(merchant.plan, merchant.quotas[quotas.SMS]))
    elif not await hand_over.of(body.encode())():
        raise TryLostError
    return await provider.send(Text(message.channel, message.recipient, body))


def provider_for(deps: Deps, channel: Channel) -> Provider | None:
    """The provider for the channel; None if none is configured."""
    serving = (one for one in deps.providers.values() if one.serves(channel))
    return next(serving, None)
