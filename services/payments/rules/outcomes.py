"""Outcomes of a PSP call. Outcomes are values: connectors never raise for PSP trouble.

Unknown is not a no: until the PSP has been asked again, the money must not be taken any other
way.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class DeclineCode(Enum):
    """Incasso's decline codes; the same for every PSP (DeclineCode in payments.proto)."""

    DO_NOT_HONOR = "do_not_honor"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    CARD_BLOCKED = "card_blocked"
    CARD_EXPIRED = "card_expired"
    CARD_INVALID = "card_invalid"
    AUTHENTICATION_FAILED = "authentication_failed"
    AUTHENTICATION_REQUIRED = "authentication_required"
    FRAUD_SUSPECTED = "fraud_suspected"
    PSP_UNAVAILABLE = "psp_unavailable"
    REQUEST_REFUSED = "request_refused"


@dataclass(frozen=True, slots=True)
class Approved:
    """The PSP did it. `amount_minor`: how much is held, captured, released or refunded.

    `captured`: an authorisation that captured the money at once, or was captured meanwhile.
    """

    psp_reference: str
    amount_minor: int
    captured: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """A certain no. PSP_UNAVAILABLE: the request did not reach the PSP, or it did not process it."""

    code: DeclineCode
    message: str  # a sentence without personal data
    psp_code: str = ""
    psp_reference: str = ""


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The shopper has to pass the challenge at `url`."""

    psp_reference: str
    url: str


@dataclass(frozen=True, slots=True)
class Pending:
    """Accepted; the PSP will report the outcome later."""

    psp_reference: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Called, without a usable answer: it may have happened."""

    why: str


@dataclass(frozen=True, slots=True)
class NotFound:
    """From a look-up only: the PSP certainly has nothing under our key; repeating is safe."""


Outcome: TypeAlias = Approved | Declined | ActionRequired | Pending | Unknown
