"""Whether a link can be paid now, and how. Pure."""

from datetime import datetime, timedelta
from typing import Final

from services.paylink import errors
from services.paylink.rules import transitions
from services.paylink.rules.domain import Link, LinkPayment, Method, Origin
from services.paylink.rules.states import PAYMENT_INITIAL

TOO_MANY_DECLINES: Final = "too_many_declines"  # payments' reason
CHALLENGED: Final = "requires_action"  # payments' name for the state
REPLACE_AFTER: Final = timedelta(minutes=30)  # another attempt may end an unpassed challenge
GIVE_UP_AFTER: Final = timedelta(hours=1)  # automatically, so that the link is open again
MOST_PLANS: Final = 20  # per link: each may create a customer


def counted_as(link: Link) -> str:
    """Which of payments' counters of declined cards the link uses."""
    return f"{'shared_link' if link.reusable else 'link'}:{link.id}"


def order_part(link: Link, payment_id: str) -> str:
    """The part of its order that an attempt pays, as payments names it: "" for the whole."""
    if link.reusable:
        return f"use:{payment_id}"
    if link.origin is Origin.BALANCE:
        return "balance"
    if link.origin is Origin.INSTALMENT:
        return f"instalment:{link.instalment_number}"
    if link.order_part is not None:
        return link.order_part
    return "" if link.deposit_minor is None else "deposit"


def takes_plan(link: Link) -> bool:
    """Whether it can be paid in instalments: the full price, by one customer."""
    whole = order_part(link, "") == "" and link.due == link.amount
    return whole and Method.INSTALMENTS in link.methods


def begun(link: Link, payment_id: str, method: Method, now: datetime) -> LinkPayment:
    """An attempt to pay what is due."""
    return LinkPayment(
        id=payment_id,
        merchant_id=link.merchant_id,
        link_id=link.id,
        reusable=link.reusable,
        state=PAYMENT_INITIAL,
        method=method,
        amount=link.due,
        created_at=now,
    )


def check_payable(link: Link, method: Method, now: datetime) -> None:
    """Raises PaymentLinkPaid, …Paying, …Closed, QuoteNotAccepted, QuoteChanged, MethodNotOffered."""
    transitions.check_open(link, now)
    if link.quote is not None:
        if link.acceptance is None:
            raise errors.QuoteNotAccepted
        if link.acceptance.text_sha256 != link.quote.sha256:
            raise errors.QuoteChanged
    if method not in link.methods or (method is Method.INSTALMENTS and not takes_plan(link)):
        raise errors.MethodNotOffered


def check_shown(link: Link, shown_minor: int) -> None:
    """The shopper pays what the page showed."""
    if shown_minor != link.due_minor:
        raise errors.AmountChanged


def check_plans(begun: int) -> None:
    """Raises TooManyPlans if the link has reached the maximum of instalment attempts."""
    if begun >= MOST_PLANS:
        raise errors.TooManyPlans


def check_uses(link: Link, reserved: int) -> None:
    """Each payment in progress on a reusable link takes one of its uses."""
    if link.max_uses is not None and link.uses + reserved >= link.max_uses:
        raise errors.PaymentLinkPaying


def check_quote(link: Link, text_sha256: str, now: datetime) -> None:
    """Whether this is the current quote, and can still be accepted."""
    if link.quote is None:
        raise errors.QuoteMissing
    if not link.open or link.expires_at <= now:
        raise errors.PaymentLinkClosed
    if text_sha256 != link.quote.sha256:
        raise errors.QuoteChanged


def challenge_is_older(payment: LinkPayment, age: timedelta, now: datetime) -> bool:
    """Whether its challenge has been waiting for longer than `age`."""
    return payment.payment_state == CHALLENGED and payment.created_at + age <= now
