"""Card testing: many declines reveal who is trying stolen cards. Pure.

Declines are counted by subject, `kind:name`: what the caller knows about the shopper (a link, a
session, a customer, a keyed hash of an address), the saved card, and the merchant as a whole. A
success only removes its own attempt: a good card does not buy new attempts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import DeclineCode
from services.payments.rules.states import State

MERCHANT: Final = "merchant"  # kind and whole subject: a merchant's counters are its own
INSTRUMENT: Final = "instrument"
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of declines within a window that begins with the first; then no attempts until its
    end.
    """

    declines: int
    window: timedelta


# An unsaved card may be anyone's. Declines that strangers cause on a link, at an address or for a
# merchant block new cards only.
NEW_CARD: Final[Mapping[str, Limit]] = {
    "link": Limit(10, DAY),
    "shared_link": Limit(30, HOUR),  # many people pay it
    "session": Limit(5, DAY),
    "address": Limit(20, HOUR),
    # Only while more are declined than accepted: a large shop has that many on any day.
    MERCHANT: Limit(100, HOUR),
}
# A saved card is blocked by its own declines, its customer's, its session's, and those of saved
# cards at its shopper's address.
SAVED_CARD: Final[Mapping[str, Limit]] = {
    "session": Limit(5, DAY),
    "customer": Limit(10, DAY),
    "clicking_address": Limit(20, HOUR),  # not counting strangers' new cards at that address
    INSTRUMENT: Limit(5, DAY),
}
HASHED: Final = frozenset({"address", "clicking_address"})
# A card can still be declined; afterwards the subjects are no longer needed.
OPEN: Final = (State.PROCESSING, State.REQUIRES_ACTION, State.PENDING)
# These say nothing about the card, so a tester learns nothing from them.
NOT_COUNTED: Final = frozenset({DeclineCode.PSP_UNAVAILABLE, DeclineCode.REQUEST_REFUSED})


@dataclass(frozen=True, slots=True)
class LimitedSubject:
    """A subject with its limit. `reserves`: an attempt counts from its start until its outcome is
    known.
    """

    subject: str
    limit: Limit
    reserves: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """What an outcome adds to a subject's counters."""

    limited: LimitedSubject
    declines: int
    under_way: int


def kind_of(subject: str) -> str:
    return subject.partition(":")[0]


def name_of(subject: str) -> str:
    """The subject's name, as far as the merchant may know it; "" for an address and the
    merchant.
    """
    return "" if kind_of(subject) in HASHED else subject.partition(":")[2]


def limited_subjects(subjects: Sequence[str], *, instrument_id: str) -> Sequence[LimitedSubject]:
    """The caller's subjects that count for the card, and ours, in the order in which rows are
    locked. New cards reserve an attempt, but not in the merchant's counter, which all payers share.
    """
    limits = SAVED_CARD if instrument_id else NEW_CARD
    own = f"{INSTRUMENT}:{instrument_id}" if instrument_id else MERCHANT
    return [
        LimitedSubject(subject, limits[kind], reserves=not instrument_id and kind != MERCHANT)
        for subject in sorted({*subjects, own})
        if (kind := kind_of(subject)) in limits
    ]


def of_setup(customer_id: str, subjects: Sequence[str]) -> Sequence[LimitedSubject]:
    """For saving a card: the customer and the address. The card is a new one."""
    customer = LimitedSubject(f"customer:{customer_id}", SAVED_CARD["customer"])
    addresses = sorted({subject for subject in subjects if kind_of(subject) == "address"})
    return [*(LimitedSubject(subject, NEW_CARD["address"]) for subject in addresses), customer]


def counts(before: Payment, after: Payment) -> Sequence[Count]:
    """What a step of a payment adds: a decline, and the end of an attempt in progress."""
    ended = before.state is State.PROCESSING and after.state is not State.PROCESSING
    declined = (
        after.state is State.DECLINED
        and before.state is not State.DECLINED
        and after.decline is not None
        and after.decline.code not in NOT_COUNTED
    )
    found = (
        Count(each, int(declined), -int(ended and each.reserves))
        for each in limited_subjects(before.velocity_subjects, instrument_id=before.instrument_id)
    )
    return [count for count in found if count.declines or count.under_way]
