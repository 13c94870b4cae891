"""Links, the attempts to pay them and their cards, as frozen data. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from libs.errors import StoredRefusal
from libs.money import Money
from libs.payments.answer import Decline
from libs.sellers import Seller
from services.paylink.rules.states import LINK_OPEN, LinkState, PaymentState


class Channel(Enum):
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"


class Method(Enum):
    CARD = "card"
    BANK_TRANSFER = "bank_transfer"
    INSTALMENTS = "instalments"


class Origin(Enum):
    API = "api"
    SHOP = "shop"
    CART = "cart"
    BALANCE = "balance"
    INSTALMENT = "instalment"
    COD = "cod"


class Reason(Enum):
    """Why a link is sent."""

    ISSUED = "issued"
    REMINDER = "reminder"
    REISSUED = "reissued"
    CART = "cart"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True)
class LineItem:
    name: str
    quantity: int
    unit_amount_minor: int  # below zero for a discount


@dataclass(frozen=True, slots=True)
class Quote:
    title: str
    text: str
    version: str

    @property
    def sha256(self) -> str:
        """Hexadecimal, over title, version and text, joined by line feeds."""
        shown = f"{self.title}\n{self.version}\n{self.text}"
        return hashlib.sha256(shown.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Evidence that a quote was accepted."""

    accepted_at: datetime
    text_sha256: str
    version: str
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str | None = None
    email: str | None = None
    phone: str | None = None

    def reachable_by(self, channel: Channel) -> bool:
        return bool(self.email if channel is Channel.EMAIL else self.phone)

    def masked(self, channel: Channel) -> str:
        """As shown to the holder of an old link: `g•••@example.com`, `••• 4567`."""
        if channel is Channel.EMAIL:
            local, _, domain = (self.email or "").rpartition("@")
            return f"{local[:1]}•••@{domain}"
        return f"••• {(self.phone or '')[-4:]}"


@dataclass(frozen=True, slots=True)
class BankAccount:
    holder: str
    iban: str
    bic: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """What paylink knows about a merchant; the merchants service owns it."""

    id: str
    name: str
    default_currency: str
    locale: str
    test: bool
    logo_id: str | None = None
    primary_colour: str | None = None
    website_url: str | None = None
    reply_to: str | None = None
    bank_account: BankAccount | None = None
    seller: Seller | None = None
    plan: str = ""
    quotas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """The data of a new link; `drafting.draft` checks it. None for what the caller left out."""

    merchant: Merchant
    description: str
    order_reference: str
    amount: Money | None = None
    line_items: Sequence[LineItem] = ()
    currency: str | None = None
    recipient: Recipient = Recipient()
    channels: Sequence[Channel] = ()
    expires_in_days: int | None = None
    locale: str | None = None
    deposit: Money | None = None
    quote: Quote | None = None
    reusable: bool = False
    max_uses: int | None = None
    methods: Sequence[Method] = ()
    reminder_days: Sequence[int] | None = None
    reissue_on_expiry: bool = False
    customer_id: str | None = None
    success_url: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    origin: Origin = Origin.API
    balance_of: str | None = None
    cart_id: str | None = None
    plan_id: str | None = None
    instalment_number: int | None = None
    warning: str | None = None
    representative_example: str | None = None
    cod_order_id: str | None = None
    cod_link_number: int | None = None
    order_part: str | None = None
    reason: Reason = Reason.ISSUED  # for its first message


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A request for money. `issued_at` is when its current address was created.

    `paid_otherwise`: cancelled because its part of an instalment plan, or its order, was paid in
    another way. `order_part`: the part of its order that a cash-on-delivery link pays.
    """

    id: str
    merchant_id: str
    state: LinkState
    version: int = 1
    amount: Money
    deposit_minor: int | None
    paid_minor: int = 0
    description: str
    order_reference: str
    recipient: Recipient
    channels: tuple[Channel, ...]
    locale: str
    line_items: tuple[LineItem, ...]
    quote: Quote | None
    acceptance: Acceptance | None = None
    reusable: bool
    max_uses: int | None
    uses: int = 0
    methods: tuple[Method, ...]
    reminder_days: tuple[int, ...]
    reminders_stopped: bool = False
    next_reminder_at: datetime | None = None
    reissue_on_expiry: bool
    reissued_by_itself: bool = False
    reissues: int = 0
    creditor_reference: str
    customer_id: str | None
    payment_id: str | None = None
    paying_by: Method | None = None
    origin: Origin
    balance_of: str | None
    cart_id: str | None
    plan_id: str | None = None
    instalment_number: int | None = None
    warning: str | None = None  # for a credit part, as shown with the plan's offer
    representative_example: str | None = None
    cod_order_id: str | None = None
    cod_link_number: int | None = None
    order_part: str | None = None
    paid_otherwise: bool = False
    success_url: str | None
    metadata: Mapping[str, str]
    trace_id: str
    expires_in_days: int
    expires_at: datetime
    issued_at: datetime
    sent_at: datetime | None = None
    seen_at: datetime | None = None
    paid_at: datetime | None = None
    ended_at: datetime | None = None
    created_at: datetime

    @property
    def asked_minor(self) -> int:
        """The price of one use: the deposit, or the full price."""
        return self.amount.amount_minor if self.deposit_minor is None else self.deposit_minor

    @property
    def due_minor(self) -> int:
        """The part of it still to be paid; each use of a reusable link costs the same.

        The single source: pages, events, messages, codes and cards all use it.
        """
        return self.asked_minor if self.reusable else self.asked_minor - self.paid_minor

    @property
    def due(self) -> Money:
        return Money(self.due_minor, self.amount.currency)

    @property
    def open(self) -> bool:
        return self.state in LINK_OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPayment:
    """An attempt to pay a link; its `id` is the idempotency key at payments, or at instalments."""

    id: str
    merchant_id: str
    link_id: str
    reusable: bool
    state: PaymentState
    method: Method
    amount: Money
    created_at: datetime
    request: bytes | None = None  # the request to them, sealed; None once answered
    payment_id: str | None = None
    plan_id: str | None = None  # the plan that pays it in parts
    payment_state: str | None = None  # as payments calls it: requires_action
    next_action_type: str | None = None
    next_action_url: str | None = None
    instrument_id: str | None = None
    brand: str = ""
    last4: str = ""
    payer_email: str | None = None
    payer_name: str | None = None  # until a customer has been created for the payer
    customer_id: str | None = None  # customer of the plan
    partner: str | None = None  # partner who gives its credit; None: the merchant
    bank_transfer_id: str | None = None
    decline: Decline | None = None
    refusal: StoredRefusal | None = None
    satisfaction: int | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CardField:
    """What a browser needs to show a PSP's card field."""

    psp: str
    psp_account: str
    publishable_key: str
    field_url: str


@dataclass(frozen=True, slots=True)
class NewCard:
    """A single-use token of a PSP's field."""

    psp_account: str
    token: str
    brand: str
    last4: str
