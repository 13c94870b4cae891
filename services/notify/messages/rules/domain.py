"""Rules of messages: their states, their contents, and suppressed addresses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from libs.money import Money
from libs.sellers import Seller


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
    POSTPONE = "postpone"  # certainly not accepted; to be retried
    ACCEPT = "accept"  # the other side accepted it
    DELIVER = "deliver"  # it arrived
    BOUNCE = "bounce"  # the address refuses it
    FAIL = "fail"  # given up
    LOSE = "lose"  # the other side may have accepted it
    SUPPRESS = "suppress"
    REFUSE = "refuse"  # the merchant's plan allows no more
    END = "end"  # it has become pointless, or there is nobody to notify


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
    COD_DEPOSIT = "cod_deposit"
    COD_EXPIRED = "cod_expired"
    REPORT_DONE = "report_done"
    REPORT_FAILED = "report_failed"
    INVITATION = "invitation"
    INSTALMENT_RESCHEDULED = "instalment_rescheduled"


# These contain the link's URL, and are pointless once the link is closed.
LINK_KINDS: Final = frozenset(
    {Kind.LINK, Kind.LINK_REMINDER, Kind.LINK_REISSUED, Kind.CART, Kind.BALANCE}
)
# By e-mail, or by SMS if there is only a phone. A part's price comes with the legal texts.
PLAN_KINDS: Final = frozenset(
    {
        Kind.PLAN_SIGNED,
        Kind.INSTALMENT_DUE,
        Kind.INSTALMENT_RESCHEDULED,
        Kind.INSTALMENT_MISSED,
        Kind.CARD_NEEDED,
        Kind.MAY_WITHDRAW,
        Kind.PLAN_WITHDRAWN,
        Kind.PLAN_COMPLETED,
    }
)
# About contracts: these name shop, contract and day in full.
NOTICES: Final = frozenset({Kind.MAY_WITHDRAW, Kind.PLAN_WITHDRAWN})
# Missed parts have a link as well; the others link to the plan's page.
PART_KINDS: Final = frozenset({Kind.INSTALMENT_MISSED, Kind.CARD_NEEDED})
PAYABLE: Final = LINK_KINDS | PART_KINDS  # pointless once their link is closed
# To the merchant's owner, about the merchant; the others go to shoppers, about their money.
OWNER_KINDS: Final = frozenset({Kind.BANK_ACCOUNT_CHANGE, Kind.BANK_ACCOUNT_CHANGED})
# To the merchant's staff, as named in a report schedule.
REPORT_KINDS: Final = frozenset({Kind.REPORT_DONE, Kind.REPORT_FAILED})
# To people who are invited to the console.
TEAM_KINDS: Final = frozenset({Kind.INVITATION})
# The reader did not ask for these and can stop them.
STOPPABLE: Final = frozenset({Kind.LINK_REMINDER, Kind.CART})


def is_out_of_place(kind: Kind, *, paying: bool) -> bool:
    """Whether the message would urge the reader to pay while a payment is in progress.

    Such a message is not sent later: if the payment fails, paylink requests the next reminder.
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
    (State.UNKNOWN, Event.POSTPONE): State.QUEUED,  # the provider does not know it
    (State.UNKNOWN, Event.ACCEPT): State.SENT,
    (State.UNKNOWN, Event.DELIVER): State.DELIVERED,
    (State.UNKNOWN, Event.BOUNCE): State.BOUNCED,
    (State.UNKNOWN, Event.FAIL): State.FAILED,
}
UNDER_WAY: Final = frozenset({State.QUEUED, State.SENDING})


def after(state: State, event: Event) -> State | None:
    """The next state; None if the event comes too late and changes nothing."""
    return TRANSITIONS.get((state, event))


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the price."""

    name: str
    quantity: int
    amount_minor: int  # for the whole quantity


@dataclass(frozen=True, slots=True)
class About:
    """The contents of a message. Stored with it; the link's URL never is."""

    amount: Money  # zero if no money is involved
    order_reference: str = ""
    description: str = ""
    name: str = ""  # of the recipient
    total: Money | None = None  # the full price, if `amount` is a part of it
    received: Money | None = None  # the part of `total` that has already arrived
    is_deposit: bool = False  # `amount` is a deposit that the merchant asks for first
    items: tuple[Item, ...] = ()
    expires_at: datetime | None = None
    happened_at: datetime | None = None
    has_quote: bool = False
    account: str = ""  # for a notice to the owner, which has no amount
    due_on: date | None = None
    plan: str = ""  # in a few words: 3 × €53.34
    paragraphs: tuple[str, ...] = ()  # texts on a plan required by law, in the message's language
    warning: str = ""  # the paragraph that fits into a text message
    code: str = ""  # fetched when it is sent, and never stored
    report_run_id: str = ""  # whose file is fetched when it is sent
    member_id: str = ""  # whose invitation gets its link when it is sent


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one address. `recipient` is empty until the contact is looked up."""

    id: str
    merchant_id: str
    event_id: str
    kind: Kind
    channel: Channel
    about: About
    created_at: datetime
    queued_at: datetime  # real time
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
    """What a provider or mail server reports about a message after it was handed over."""

    event: Event
    error: str | None = None
    suppression: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """A person to notify, as known to another service: an `address` on `channel`."""

    channel: Channel
    address: str
    name: str = ""
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Merchant:
    """How a merchant appears to shoppers, and how many messages its plan allows."""

    name: str
    locale: str
    primary_colour: str | None = None
    reply_to: str | None = None
    website_url: str | None = None
    logo_id: str | None = None
    seller: Seller | None = None
    plan: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)  # of the plan; no entry: no limit


def channel_of(address: str) -> Channel:
    """The channel of an e-mail address or a phone number."""
    return Channel.EMAIL if "@" in address else Channel.SMS


def normalised(channel: Channel, recipient: str) -> str:
    """The form in which addresses are compared."""
    address = recipient.strip()
    return address.lower() if channel is Channel.EMAIL else address


def resent(message: Message, *, message_id: str, recipient: str, now: datetime) -> Message:
    """A new message with the same contents, to be queued."""
    return replace(
        as_made(message), id=message_id, recipient=recipient, resend_of=message.id, created_at=now
    )


def as_made(message: Message) -> Message:
    """The message as it was when queued, so that every repeat of the call that created it gets the
    same answer.
    """
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
