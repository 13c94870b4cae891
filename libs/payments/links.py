"""A payment link that a method service requests from paylink: its state there. Pure.

The link's row is committed before paylink is called, and its id is the key. Only paylink's event
says that a link was paid.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol


class LinkState(Enum):
    WANTED = "wanted"  # paylink was asked for it, or is about to be
    OPEN = "open"
    CLOSING = "closing"  # it must no longer be paid, but still can be
    CLOSED = "closed"
    PAID = "paid"


class LinkEvent(Enum):
    MAKE = "make"
    LEAVE = "leave"
    CLOSE = "close"
    PAY = "pay"


INITIAL: Final = LinkState.WANTED
FINAL: Final = frozenset({LinkState.PAID})
OPEN: Final = (LinkState.WANTED, LinkState.OPEN)
UNENDED: Final = (*OPEN, LinkState.CLOSING)
TRANSITIONS: Final[Mapping[tuple[LinkState, LinkEvent], LinkState]] = {
    (LinkState.WANTED, LinkEvent.MAKE): LinkState.OPEN,
    (LinkState.WANTED, LinkEvent.LEAVE): LinkState.CLOSING,
    (LinkState.OPEN, LinkEvent.LEAVE): LinkState.CLOSING,
    # Paylink refuses to create it, or was never asked; or reports that it has ended.
    **{(state, LinkEvent.CLOSE): LinkState.CLOSED for state in UNENDED},
    # Also a link that was closed while being paid: the event is later than the answer.
    **{(state, LinkEvent.PAY): LinkState.PAID for state in (*UNENDED, LinkState.CLOSED)},
}


class AskedLink(Protocol):
    """`checks`: how often paylink was called, or was about to be."""

    @property
    def state(self) -> LinkState: ...
    @property
    def payment_link_id(self) -> str | None: ...
    @property
    def checks(self) -> int: ...


def moved(link: AskedLink, event: LinkEvent) -> LinkState | None:
    """The state after `event`; None if it comes too late."""
    return TRANSITIONS.get((link.state, event))


def released(link: AskedLink) -> LinkState:
    """The state of a link that must no longer be paid. One that paylink was never asked for
    does not exist there.
    """
    asked = link.checks or link.payment_link_id is not None
    return TRANSITIONS[link.state, LinkEvent.LEAVE if asked else LinkEvent.CLOSE]
