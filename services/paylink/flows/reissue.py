"""A new address and expiry for a link; the balance after a deposit has its own link."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.message import Message

from libs import idempotency, ids
from libs.db import Conn
from libs.errors import invalid
from libs.idempotency import Key
from libs.money import Money
from services.paylink import errors, events
from services.paylink.deps import Deps
from services.paylink.flows.create import give_address, insert_link
from services.paylink.flows.links import locked
from services.paylink.flows.outcomes import expire_in
from services.paylink.flows.transfers_by_hand import count_late
from services.paylink.rules import transitions
from services.paylink.rules.domain import Channel, Link, Merchant, Method, NewLink, Origin, Reason
from services.paylink.rules.states import LinkState
from services.paylink.store import links, tokens

REQUEST_AGAIN_AFTER: Final = timedelta(days=1)


async def reissue_payment_link(
    deps: Deps, payment_link_id: str, expires_in_days: int | None, key: Key | None
) -> bytes:
    """Returns the link's message without the address, the same for the same key."""
    now = deps.clock.now()

    async def reissue(tx: Conn, _: str) -> Message:
        link = await locked(tx, payment_link_id)
        days = expires_in_days or link.expires_in_days
        return events.link_pb(await reissue_in(deps, tx, link, now, days=days))

    return (await idempotency.once(deps.db, key, payment_link_id, reissue)).body


async def reissue_in(
    deps: Deps, tx: Conn, link: Link, now: datetime, *, days: int, by_itself: bool = False
) -> Link:
    """In the caller's transaction, which has locked the link. Sends it through its channels."""
    if not link.open and link.state is not LinkState.EXPIRED:
        raise transitions.not_allowed(link.state)
    link = await count_late(tx, link, now)
    base = link if link.open else transitions.reopened(link, now)
    fresh = replace(
        base,
        issued_at=now,
        expires_at=now + timedelta(days=days),
        reissues=link.reissues + 1,
        reissued_by_itself=link.reissued_by_itself or by_itself,
    )
    if fresh.channels:
        fresh = transitions.sent(fresh, now)
    fresh = replace(fresh, next_reminder_at=transitions.next_reminder(fresh, now))
    saved = await links.save(tx, link, fresh)
    await tokens.withdraw(tx, saved, now)
    await give_address(deps, tx, saved)
    await events.link_reissued(tx, saved, now, reason=Reason.REISSUED)
    return saved


async def request_new_link(deps: Deps, opened: Link) -> str:
    """A shopper asks for a new address of an expired link; it goes to the link's own recipient,
    whose masked address is returned.
    """
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.open and link.expires_at <= now:
            link = await expire_in(tx, link, now)
        channel = new_link_channel(link)
        if link.state is not LinkState.EXPIRED or channel is None:
            raise errors.PaymentLinkClosed
        if link.issued_at > now - REQUEST_AGAIN_AFTER:
            raise errors.ReissuedLately
        reachable = replace(link, channels=link.channels or (channel,))
        await reissue_in(deps, tx, reachable, now, days=link.expires_in_days)
    return link.recipient.masked(channel)


def new_link_channel(link: Link) -> Channel | None:
    """The first channel for which the recipient has an address; None if there is none."""
    for channel in (*link.channels, Channel.EMAIL, Channel.SMS):
        if link.recipient.reachable_by(channel):
            return channel
    return None


async def create_balance_link(
    deps: Deps, payment_link_id: str, expires_in_days: int | None, key: Key | None
) -> bytes:
    """Returns the new link's message without the address, the same for the same key."""
    merchant = await deps.merchants.get_current()

    async def create(tx: Conn, balance_id: str) -> Message:
        paid = await locked(tx, payment_link_id)
        if paid.state is not LinkState.PAID:
            raise errors.PaymentLinkNotPaid
        if paid.deposit_minor is None or await links.balance_exists(tx, paid.merchant_id, paid.id):
            raise errors.NothingLeftToPay
        new = _balance(paid, paid.deposit_minor, merchant, expires_in_days)
        link, _ = await insert_link(deps, tx, new, count_quota=True, link_id=balance_id)
        return events.link_pb(link)

    return (await idempotency.once(deps.db, key, ids.new("lnk"), create)).body


def _balance(
    paid: Link, deposit_minor: int, merchant: Merchant, expires_in_days: int | None
) -> NewLink:
    account = merchant.bank_account is not None
    methods = [m for m in paid.methods if m is not Method.BANK_TRANSFER or account]
    if not methods:
        raise invalid("payment_link_id", "has no payment method that the merchant still offers")
    return NewLink(
        merchant=merchant,
        description=paid.description,
        order_reference=paid.order_reference,
        amount=Money(paid.amount.amount_minor - deposit_minor, paid.amount.currency),
        recipient=paid.recipient,
        channels=paid.channels,
        expires_in_days=expires_in_days,
        locale=paid.locale,
        methods=methods,
        reminder_days=paid.reminder_days,
        reissue_on_expiry=paid.reissue_on_expiry,
        customer_id=paid.customer_id,
        success_url=paid.success_url,
        metadata=paid.metadata,
        origin=Origin.BALANCE,
        balance_of=paid.id,
        reason=Reason.BALANCE,
    )
