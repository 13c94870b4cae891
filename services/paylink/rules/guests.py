"""A payer whom the link does not name: a plan needs a customer, who is made of what the payer says. Pure.

An address that nobody has proved identifies nobody: the customer is this link's own, so that who types another
person's address reaches none of that person's cards and plans.
"""

import hashlib
from dataclasses import dataclass, field

from libs.errors import invalid
from services.paylink.errors import CustomerErased
from services.paylink.rules.domain import Link, LinkPayment, Origin


@dataclass(frozen=True, slots=True)
class Guest:
    """What the customer is made of."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    locale: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What the page asks a payer who chooses instalments."""

    email: bool
    name: bool


def needs(link: Link) -> Needs:
    """In the shop the buyer has said it before."""
    if link.customer_id is not None:
        return Needs(email=False, name=False)
    said = _said(link)
    return Needs(email=not said[0], name=not said[1])


def guest(link: Link, *, email: str | None, name: str | None) -> Guest | None:
    """None: the link names its customer. Raises InvalidArgument."""
    if link.customer_id is not None:
        return None
    said_email, said_name = _said(link)
    email, name = email or said_email, " ".join((name or said_name).split())
    if not email:
        raise invalid("email", "is required, since the link names no customer")
    if not name:
        raise invalid("name", "is required, since the link names no customer")
    return Guest(email, name, link.locale)


def of_try(payment: LinkPayment, link: Link) -> Guest:
    """Who began it. Raises CustomerErased."""
    if payment.payer_email is None or payment.payer_name is None:
        raise CustomerErased
    return Guest(payment.payer_email, payment.payer_name, link.locale)


def key_of(link_id: str, who: Guest) -> str:
    """Under which the customer is asked for: who chooses again on the same link, saying the same, is the same
    customer; everybody else is another.
    """
    said = f"{who.email}\n{who.name}\n{who.locale}"
    return f"{link_id}-{hashlib.sha256(said.encode()).hexdigest()}"


def _said(link: Link) -> tuple[str, str]:
    if link.origin is not Origin.SHOP:  # a link that was sent may be paid by somebody else
        return "", ""
    return link.recipient.email or "", link.recipient.name or ""
