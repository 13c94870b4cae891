"""Cancels a link, in the caller's transaction."""

from dataclasses import replace
from datetime import datetime

from libs.db import Conn
from services.paylink import events
from services.paylink.errors import PaymentLinkPaying
from services.paylink.rules import transitions
from services.paylink.rules.domain import Link, Method
from services.paylink.rules.states import LinkEvent, LinkState, PaymentState
from services.paylink.store import links, payments


async def cancel_in(tx: Conn, link: Link, now: datetime, *, paid_otherwise: bool = False) -> Link:
    """`link` is locked by the caller (store.links.lock); cancelling again changes nothing.

    An announced transfer is no obstacle: if it arrives after all, it is surplus, to be returned.
    Raises PaymentLinkPaying, PaymentLinkClosed. The caller updates the link's cart.
    """
    if link.state is LinkState.CANCELLED:
        return link
    if not await give_up_announced(tx, link, now):
        raise PaymentLinkPaying
    cancelled = transitions.ended(link, LinkEvent.CANCEL, now)
    saved = await links.save(tx, link, replace(cancelled, paid_otherwise=paid_otherwise))
    await events.append_link_event(tx, saved, "cancelled", now)
    return saved


async def give_up_announced(tx: Conn, link: Link, now: datetime) -> bool:
    """Gives up an announced transfer. Returns whether no other attempt is in progress."""
    under_way = await payments.processing(tx, link)
    for payment in under_way:
        if payment.method is Method.BANK_TRANSFER:
            given_up = replace(payment, state=PaymentState.CANCELLED, ended_at=now)
            await payments.save(tx, payment, given_up)
    return all(payment.method is Method.BANK_TRANSFER for payment in under_way)
