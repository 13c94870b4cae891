"""Take a link back, in the caller's transaction."""

from datetime import datetime

from libs.db import Conn
from services.paylink import events, moves
from services.paylink.domain import Link
from services.paylink.errors import PaymentLinkPaying
from services.paylink.states import LinkEvent, LinkState
from services.paylink.store import links, payments


async def cancel_in(tx: Conn, link: Link, now: datetime) -> Link:
    """`link` is locked by the caller (store.links.lock); cancelling again changes nothing.

    Raises PaymentLinkPaying, PaymentLinkClosed. Tells nobody but events: a cart's own flow knows.
    """
    if link.state is LinkState.CANCELLED:
        return link
    if await payments.processing(tx, link):
        raise PaymentLinkPaying
    cancelled = moves.ended(link, LinkEvent.CANCEL, now)
    saved = await links.save(tx, link, cancelled)
    await events.link_cancelled(tx, saved, now)
    return saved
