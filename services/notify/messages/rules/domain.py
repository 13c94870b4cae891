"""Rules of messages: their states, what they are about, and addresses that are written to no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from libs.money import Money


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"
    OBSOLETE = "obsolete"
    REFUSED = "refused"


class Event(StrEnum):
    START = "start"  # a worker takes it up
    POSTPONE = "postpone"  # not taken, certainly; to be tried again
    ACCEPT = "accept"  # the other side took it
    DELIVER = "deliver"  # it arrived
    BOUNCE = "bounce"  # the address refuses
    FAIL = "fail"  # given up
    LOSE = "lose"  # the other side may have taken it
    SUPPRESS = "suppress"
    REFUSE = "refuse"  # the merchant's plan allows no more
    END = "end"  # what it is about is over, or there is nobody to tell


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


PHONES: Final = (Channel.SMS, Channel.WHATSAPP)


class Kind(StrEnum):
    LINK = "link"
    LINK_REMINDER = "link_reminder"
    LINK_REISSUED = "link_reissued"
    CART = "cart"
    BALANCE = "balance"
    RECEIPT = "receipt"
    REFUND = "refund"
    PENDING = "pending"
    BANK_ACCOUNT_CHANGE = "bank_account_change"
    BANK_ACCOUNT_CHANGED = "bank_account_changed"
    PLAN_SIGNED = "plan_signed"
    INSTALMENT_DUE = "instalment_due"
    INSTALMENT_MISSED = "instalment_missed"
    CARD_NEEDED = "card_needed"
    MAY_WITHDRAW = "may_withdraw"
    PLAN_WITHDRAWN = "plan_withdrawn"
    PLAN_COMPLETED = "plan_completed"
    COD_CODE = "cod_code"
    COD_CHANGED = "cod_changed"
    COD_DISPATCHED = "cod_dispatched"
    COD_REFUSED = "cod_refused"
    COD_CONVERTED = "cod_converted"
    COD_REFUND_ACCOUNT = "cod_refund_account"
    COD_REFUND_EXPORTED = "cod_refund_exported"
    COD_REFUND_PAID = "cod_refund_paid"


# These carry the link's address, and say nothing any more once the link is closed.
LINK_KINDS: Final = frozenset(
    {Kind.LINK, Kind.LINK_REMINDER, Kind.LINK_REISSUED, Kind.CART, Kind.BALANCE}
)
# Of instalment plans, by e-mail, or by SMS to whoever has a phone alone: what shows the price of a part says
# what the law wants said beside it.
PLAN_KINDS: Final = frozenset(
    {
        Kind.PLAN_SIGNED,
        Kind.INSTALMENT_DUE,
        Kind.INSTALMENT_MISSED,
        Kind.CARD_NEEDED,
        Kind.MAY_WITHDRAW,
        Kind.PLAN_WITHDRAWN,
        Kind.PLAN_COMPLETED,
    }
)
# Of contracts: they name shop, contract and day whole.
NOTICES: Final = frozenset({Kind.MAY_WITHDRAW, Kind.PLAN_WITHDRAWN})
# Missed parts have a link as well; the others lead to the plan's page.
PART_KINDS: Final = frozenset({Kind.INSTALMENT_MISSED, Kind.CARD_NEEDED})
PAYABLE: Final = LINK_KINDS | PART_KINDS  # of no use once their link is closed
# To who owns the merchant, about the merchant; the others are to shoppers, about their money.
OWNER_KINDS: Final = frozenset({Kind.BANK_ACCOUNT_CHANGE, Kind.BANK_ACCOUNT_CHANGED})
# The reader did not ask for these and can stop them.
STOPPABLE: Final = frozenset({Kind.LINK_REMINDER, Kind.CART})


def is_out_of_place(kind: Kind, *, paying: bool) -> bool:
    """Whether the reader would be urged to pay what is being paid right now.

    Such a message is not sent later: should the payment fail, paylink asks for the next reminder.
    """
    return paying and kind in STOPPABLE | PART_KINDS


class SuppressionReason(StrEnum):
    BOUNCED = "bounced"
    COMPLAINED = "complained"


INITIAL: Final = State.QUEUED
FINAL: Final = frozenset(
    {State.DELIVERED, State.BOUNCED, State.FAILED, State.SUPPRESSED, State.OBSOLETE, State.REFUSED}
)
TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = {
    (State.QUEUED, Event.START): State.SENDING,
    (State.QUEUED, Event.END): State.OBSOLETE,
    (State.SENDING, Event.START): State.SENDING,  # its worker died before handing it over
    (State.SENDING, Event.POSTPONE): State.QUEUED,
    (State.SENDING, Event.ACCEPT): State.SENT,
    (State.SENDING, Event.BOUNCE): State.BOUNCED,
    (State.SENDING, Event.FAIL): State.FAILED,
    (State.SENDING, Event.LOSE): State.UNKNOWN,
    (State.SENDING, Event.SUPPRESS): State.SUPPRESSED,
    (State.SENDING, Event.END): State.OBSOLETE,
    (State.SENDING, Event.REFUSE): State.REFUSED,
    (State.SENT, Event.DELIVER): State.DELIVERED,
    (State.SENT, Event.BOUNCE): State.BOUNCED,
    (State.SENT, Event.FAIL): State.FAILED,
    (State.UNKNOWN, Event.POSTPONE): State.QUEUED,  # the provider has never heard of it
    (State.UNKNOWN, Event.ACCEPT): State.SENT,
    (State.UNKNOWN, Event.DELIVER): State.DELIVERED,
    (State.UNKNOWN, Event.BOUNCE): State.BOUNCED,
    (State.UNKNOWN, Event.FAIL): State.FAILED,
}
UNDER_WAY: Final = frozenset({State.QUEUED, State.SENDING})


def after(state: State, event: Event) -> State | None:
    """The next state; None where the event comes too late and changes nothing."""
    return TRANSITIONS.get((state, event))


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the price."""

    name: str
    quantity: int
    amount_minor: int  # of all of them


@dataclass(frozen=True, slots=True)
class About:
    """What a message needs to say. Stored with it; the link's address never is."""

    amount: Money  # zero where it is about no money
    order_reference: str = ""
    description: str = ""
    name: str = ""  # of the recipient
    total: Money | None = None  # the whole price, when `amount` is a part of it
    received: Money | None = None  # what of it has arrived already
    is_deposit: bool = False  # `amount` is a part that the merchant asks for first
    items: tuple[Item, ...] = ()
    expires_at: datetime | None = None
    happened_at: datetime | None = None
    has_quote: bool = False
    account: str = ""  # of a notice to the owner, which has no amount
    due_on: date | None = None
    plan: str = ""  # in a few words: 3 × €53.34
    paragraphs: tuple[str, ...] = ()  # that the law wants said of a plan, in the message's language
    warning: str = ""  # that of them which a text message has room for
    code: str = ""  # asked for when it is sent, and never stored


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address. `recipient` is empty until the contact was looked up."""

    id: str
    merchant_id: str
    event_id: str
    kind: Kind
    channel: Channel
    about: About
    created_at: datetime
    queued_at: datetime  # the world's time
    state: State = INITIAL
    recipient: str = ""
    locale: str = ""
    payment_link_id: str | None = None
    payment_id: str | None = None
    customer_id: str | None = None
    plan_id: str | None = None
    cod_order_id: str | None = None
    attempts: int = 0
    error: str | None = None
    provider_reference: str | None = None
    resend_of: str | None = None
    due_at: datetime | None = None
    handing_over_at: datetime | None = None
    body_sha256: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    id: str
    merchant_id: str
    channel: Channel
    recipient: str
    reason: SuppressionReason
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a provider or mail server says of a message after it was handed over."""

    event: Event
    error: str | None = None
    suppression: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to tell, as another service knows them. An `address` of `channel`."""

    channel: Channel
    address: str
    name: str = ""
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Merchant:
    """How a merchant appears to shoppers. Empty texts where it said nothing."""

    name: str
    locale: str
    primary_colour: str = ""
    reply_to: str = ""
    website_url: str = ""
    logo_id: str = ""
    plan: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)  # of the plan; no entry: no limit


def channel_of(address: str) -> Channel:
    """That of an e-mail address or a phone number."""
    return Channel.EMAIL if "@" in address else Channel.SMS


def normalised(channel: Channel, recipient: str) -> str:
    """The form in which addresses are compared."""
    address = recipient.strip()
    return address.lower() if channel is Channel.EMAIL else address


def resent(message: Message, *, message_id: str, recipient: str, now: datetime) -> Message:
    """A new message that says the same, to be queued."""
    return replace(
        as_made(message), id=message_id, recipient=recipient, resend_of=message.id, created_at=now
    )


def as_made(message: Message) -> Message:
    """As it was when it was queued: the same answer to every repeat of the call that made it."""
    return replace(
        message,
        state=INITIAL,
        attempts=0,
        error=None,
        provider_reference=None,
        due_at=message.queued_at,
        sent_at=None,
        delivered_at=None,
    )
