"""Abandoned carts: their states, and when a link is sent automatically. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from libs.errors import invalid
from libs.money import Money
from services.paylink.errors import CartClosed
from services.paylink.rules.domain import Channel, LineItem, Recipient
from services.paylink.rules.states import LinkState

RECOVERY_DAYS: Final = 7  # until a recovery link expires, by default
DESCRIPTION_LENGTH: Final = 255  # of a payment link
ASK_AGAIN_AFTER: Final = timedelta(minutes=15)  # after a recovery that could not be sent
GIVE_UP_AFTER: Final = timedelta(days=3)  # no automatic recovery after this long


class CartState(Enum):
    OPEN = "open"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    COMPLETED = "completed"
    LOST = "lost"  # its link was not paid; a new address of the link may still be


class CartEvent(Enum):
    RECOVER = "recover"
    PAY = "pay"
    COMPLETE = "complete"
    LOSE = "lose"


CART_INITIAL: Final = CartState.OPEN
CART_FINAL: Final = frozenset({CartState.RECOVERED, CartState.COMPLETED})
CART_TRANSITIONS: Final[Mapping[tuple[CartState, CartEvent], CartState]] = {
    (CartState.OPEN, CartEvent.RECOVER): CartState.RECOVERING,
    (CartState.OPEN, CartEvent.COMPLETE): CartState.COMPLETED,
    (CartState.RECOVERING, CartEvent.PAY): CartState.RECOVERED,
    (CartState.RECOVERING, CartEvent.LOSE): CartState.LOST,
    (CartState.RECOVERING, CartEvent.COMPLETE): CartState.COMPLETED,
    (CartState.LOST, CartEvent.PAY): CartState.RECOVERED,
}
# What the end of a cart's link means for the cart.
_ENDS: Final = {
    LinkState.PAID: CartEvent.PAY,
    LinkState.EXPIRED: CartEvent.LOSE,
    LinkState.CANCELLED: CartEvent.LOSE,
}


@dataclass(frozen=True, slots=True)
class CartContents:
    """What a storefront reports about a cart, initially and on changes."""

    recipient: Recipient
    line_items: Sequence[LineItem]
    amount: Money
    locale: str
    recover_at: datetime | None
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cart:
    id: str
    merchant_id: str
    state: CartState
    reference: str
    contents: CartContents
    payment_link_id: str | None
    created_at: datetime


def moved(cart: Cart, event: CartEvent) -> Cart:
    """The cart after `event`. Raises CartClosed if that is not allowed."""
    to = CART_TRANSITIONS.get((cart.state, event))
    if to is None:
        raise CartClosed
    return replace(cart, state=to)


def event_of(state: LinkState) -> CartEvent | None:
    """What a state of a cart's link means for the cart; None: nothing."""
    return _ENDS.get(state)


def refilled(cart: Cart, contents: CartContents) -> Cart:
    """With new contents; only while it is open. Raises CartClosed otherwise."""
    if cart.state is not CartState.OPEN:
        raise CartClosed
    return replace(cart, contents=contents)


def recovering(cart: Cart, link_id: str) -> Cart:
    """Raises CartClosed unless it is open."""
    return replace(moved(cart, CartEvent.RECOVER), payment_link_id=link_id)


def reachable(recipient: Recipient) -> Recipient:
    """None for a recipient without any address."""
    if not recipient.email and not recipient.phone:
        raise invalid("recipient", "needs an e-mail address or a phone")
    return recipient


def default_channels(recipient: Recipient) -> tuple[Channel, ...]:
    """E-mail first. WhatsApp only on request: it needs the shopper's consent."""
    found = ((recipient.email, Channel.EMAIL), (recipient.phone, Channel.SMS))
    return tuple(channel for address, channel in found if address)


def recover_at(now: datetime, after_minutes: int | None) -> datetime | None:
    return None if after_minutes is None else now + timedelta(minutes=after_minutes)


def described(line_items: Sequence[LineItem]) -> str:
    """What the payment is for, in any language: the names of the items."""
    names = ", ".join(item.name for item in line_items)
    return names if len(names) <= DESCRIPTION_LENGTH else f"{names[: DESCRIPTION_LENGTH - 1]}…"


def is_due(cart: Cart, now: datetime) -> bool:
    """Whether a link has to be sent automatically."""
    due = cart.contents.recover_at
    return cart.state is CartState.OPEN and due is not None and due <= now


def is_too_late(cart: Cart, now: datetime) -> bool:
    """Whether an automatic recovery, due long ago, would only puzzle the shopper."""
    due = cart.contents.recover_at
    return due is None or now >= due + GIVE_UP_AFTER
