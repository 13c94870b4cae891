"""A payer whom the link does not name: a plan needs a customer, created from what the payer enters.
Pure.

An unverified address proves nothing: the customer belongs to this link only, so entering somebody
else's address gives no access to that person's cards and plans.
"""

import hashlib
from dataclasses import dataclass, field

from libs.errors import invalid
from services.paylink.errors import CustomerErased
from services.paylink.rules.domain import Link, LinkPayment, Origin


@dataclass(frozen=True, slots=True)
class Guest:
    """The data for the customer."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    locale: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What the page asks a payer who chooses instalments."""

    email: bool
    name: bool


def needs(link: Link) -> Needs:
    """In the shop, the buyer has already entered it."""
    if link.customer_id is not None:
        return Needs(email=False, name=False)
    stated = _stated(link)
    return Needs(email=not stated[0], name=not stated[1])


def guest(link: Link, *, email: str | None, name: str | None) -> Guest | None:
    """None: the link names its customer. Raises InvalidArgument."""
    if link.customer_id is not None:
        return None
    stated_email, stated_name = _stated(link)
    email, name = email or stated_email, " ".join((name or stated_name).split())
    if not email:
        raise invalid("email", "is required, since the link names no customer")
    if not name:
        raise invalid("name", "is required, since the link names no customer")
    return Guest(email, name, link.locale)


def of_try(payment: LinkPayment, link: Link) -> Guest:
    """The guest who began it. Raises CustomerErased."""
    if payment.payer_email is None or payment.payer_name is None:
        raise CustomerErased
    return Guest(payment.payer_email, payment.payer_name, link.locale)


def key_of(link_id: str, who: Guest) -> str:
    """The key under which the customer is created: choosing again on the same link with the same
    data gives the same customer; anything else gives another.
    """
    text = f"{who.email}\n{who.name}\n{who.locale}"
    return f"{link_id}-{hashlib.sha256(text.encode()).hexdigest()}"


def _stated(link: Link) -> tuple[str, str]:
    if link.origin is not Origin.SHOP:  # somebody else may pay a link that was sent
        return "", ""
    return link.recipient.email or "", link.recipient.name or ""
