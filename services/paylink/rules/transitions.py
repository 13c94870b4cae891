"""What can happen to a link, and the result. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.paylink.errors import PaymentLinkClosed, PaymentLinkPaid, PaymentLinkPaying
from services.paylink.rules.domain import Link, Method
from services.paylink.rules.states import BACK, LINK_TRANSITIONS, LinkEvent, LinkState

TRANSFER_GRACE: Final = timedelta(days=10)  # an announced transfer may arrive after the link's end
TOKEN_OUTLIVES: Final = timedelta(days=90)  # the page shows the link's end for this long


def moved(link: Link, event: LinkEvent) -> LinkState:
    """The state after `event`. Raises the refusal that says why it is not allowed."""
    to = LINK_TRANSITIONS.get((link.state, event))
    if to is None:
        raise not_allowed(link.state)
    return to


def not_allowed(state: LinkState) -> PaymentLinkPaying | PaymentLinkClosed:
    return PaymentLinkPaying() if state is LinkState.PAYING else PaymentLinkClosed()


def is_over(link: Link, now: datetime) -> bool:
    """Whether it has expired, even if the worker has not recorded it."""
    return link.state is LinkState.EXPIRED or (link.open and link.expires_at <= now)


def check_open(link: Link, now: datetime) -> None:
    """Refuses what only an open link allows, in the pay page's terms."""
    if link.state is LinkState.PAID:
        raise PaymentLinkPaid
    if link.state is LinkState.PAYING:
        raise PaymentLinkPaying
    if not link.open or link.expires_at <= now:
        raise PaymentLinkClosed


def next_reminder(link: Link, now: datetime) -> datetime | None:
    """The first of its reminders after `now`; missed ones do not pile up."""
    if link.sent_at is None or link.reminders_stopped:
        return None
    first = max(link.issued_at, link.sent_at)
    times = (first + timedelta(days=days) for days in link.reminder_days)
    return min((at for at in times if now < at < link.expires_at), default=None)


def due_at(link: Link) -> datetime | None:
    """When the worker has to look at it: for a reminder or its expiry."""
    if link.state is LinkState.PAYING:
        announced = link.paying_by is Method.BANK_TRANSFER
        return link.expires_at + TRANSFER_GRACE if announced else None
    if not link.open:
        return None
    return min(link.next_reminder_at or link.expires_at, link.expires_at)


def sent(link: Link, now: datetime) -> Link:
    """Handed to its channels. Raises PaymentLinkPaying, PaymentLinkClosed."""
    first = replace(link, state=moved(link, LinkEvent.SEND), sent_at=link.sent_at or now)
    return replace(first, next_reminder_at=next_reminder(first, now))


def reopened(link: Link, now: datetime) -> Link:
    """Back in the state before a failed payment, or before its end."""
    if link.acceptance is not None:
        before = LinkState.QUOTE_ACCEPTED
    elif link.seen_at is not None:
        before = LinkState.SEEN
    else:
        before = LinkState.CREATED if link.sent_at is None else LinkState.SENT
    back = replace(link, state=moved(link, BACK[before]), paying_by=None, ended_at=None)
    return replace(back, next_reminder_at=next_reminder(back, now))


def ended(link: Link, event: LinkEvent, now: datetime) -> Link:
    """Paid, expired or cancelled: no more reminders, and the page stays for a while."""
    state = moved(link, event)
    return replace(link, state=state, ended_at=now, next_reminder_at=None, paying_by=None)
