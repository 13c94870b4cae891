"""Customers, addresses, consents and charges: their data and their states.

Pure: no I/O, no clock. Instruments, sessions and limits have files of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from typing import Final

from libs.errors import StoredRefusal
from libs.money import Money
from libs.payments.answer import Outcome, ScaHistory
from services.oneclick.errors import CustomerErased, TooManyAddresses
from services.oneclick.rules.items import Item, Lowering

MAX_ADDRESSES: Final = 20


class CustomerState(Enum):
    ACTIVE = "active"
    ERASED = "erased"


class CustomerEvent(Enum):
    ERASE = "erase"


CUSTOMER_INITIAL: Final = CustomerState.ACTIVE
CUSTOMER_FINAL: Final = frozenset({CustomerState.ERASED})
CUSTOMER_TRANSITIONS: Final[Mapping[tuple[CustomerState, CustomerEvent], CustomerState]] = {
    (CustomerState.ACTIVE, CustomerEvent.ERASE): CustomerState.ERASED
}


@dataclass(frozen=True, slots=True)
class Customer:
    """A shopper of one merchant. Personal data is None once erased."""

    id: str
    merchant_id: str
    state: CustomerState
    email: str | None
    name: str | None
    phone: str | None
    locale: str | None
    metadata: Mapping[str, str]
    default_instrument_id: str | None
    default_address_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ContactChange:
    """New contact data; None and an empty mapping change nothing."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None
    locale: str | None = None
    metadata: Mapping[str, str] | None = None


def active(customer: Customer) -> Customer:
    """The customer, unless erased. Raises CustomerErased."""
    if customer.state is CustomerState.ERASED:
        raise CustomerErased
    return customer


def change(customer: Customer, new: ContactChange) -> Customer:
    values = {field.name: getattr(new, field.name) for field in fields(new)}
    given = {name: value for name, value in values.items() if value not in (None, {})}
    return replace(active(customer), **given)


def erase(customer: Customer) -> Customer:
    """The customer without personal data. Erasing again changes nothing."""
    if customer.state is CustomerState.ERASED:
        return customer
    return replace(
        customer,
        state=CUSTOMER_TRANSITIONS[customer.state, CustomerEvent.ERASE],
        email=None,
        name=None,
        phone=None,
        locale=None,
        metadata={},
        default_instrument_id=None,
        default_address_id=None,
    )


@dataclass(frozen=True, slots=True)
class Address:
    """A delivery address. Never changed, so that an order keeps its own."""

    id: str
    merchant_id: str
    customer_id: str
    name: str
    line1: str
    line2: str | None
    city: str
    postcode: str
    region: str | None
    country: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """An address as shown with its customer."""

    address: Address
    default: bool


def room_for_address(count: int) -> None:
    """Raises TooManyAddresses if `count` is already the maximum."""
    if count >= MAX_ADDRESSES:
        raise TooManyAddresses


@dataclass(frozen=True, slots=True)
class Consent:
    """The shopper's permission to charge by one click."""

    text_version: str
    accepted_at: datetime
    ip: str | None
    sca_reference: str | None
    id: str = ""  # set when it is written


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """Evidence that a one-click payment was permitted. `in_session`: by a click in a browser."""

    text_version: str
    accepted_at: datetime
    created_at: datetime
    sca_reference: str | None
    charged_at: datetime
    in_session: bool


class CaptureMode(Enum):
    """When the money is captured (CaptureMode in payments.proto)."""

    NOW = "now"
    MANUAL = "manual"
    DELAYED = "delayed"


class ChargeState(Enum):
    STARTED = "started"  # payments was called, or is about to be
    UNDER_WAY = "under_way"  # there is a payment without a known outcome
    SUCCEEDED = "succeeded"  # the money is held or captured
    DECLINED = "declined"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # payments created no payment


CHARGE_INITIAL: Final = ChargeState.STARTED
CHARGE_FINAL: Final = frozenset({ChargeState.DECLINED, ChargeState.CANCELLED, ChargeState.REFUSED})
CHARGE_TRANSITIONS: Final[Mapping[tuple[ChargeState, Outcome], ChargeState]] = {
    (ChargeState.STARTED, Outcome.WAIT): ChargeState.UNDER_WAY,
    (ChargeState.STARTED, Outcome.SUCCEED): ChargeState.SUCCEEDED,
    (ChargeState.STARTED, Outcome.DECLINE): ChargeState.DECLINED,
    (ChargeState.STARTED, Outcome.CANCEL): ChargeState.CANCELLED,
    (ChargeState.STARTED, Outcome.REFUSE): ChargeState.REFUSED,
    (ChargeState.UNDER_WAY, Outcome.WAIT): ChargeState.UNDER_WAY,
    (ChargeState.UNDER_WAY, Outcome.SUCCEED): ChargeState.SUCCEEDED,
    (ChargeState.UNDER_WAY, Outcome.DECLINE): ChargeState.DECLINED,
    (ChargeState.UNDER_WAY, Outcome.CANCEL): ChargeState.CANCELLED,
    (ChargeState.SUCCEEDED, Outcome.SUCCEED): ChargeState.SUCCEEDED,
    (ChargeState.SUCCEEDED, Outcome.CANCEL): ChargeState.CANCELLED,
}
# These count against the limits; the others have released theirs.
CHARGE_COUNTED: Final = (ChargeState.STARTED, ChargeState.UNDER_WAY, ChargeState.SUCCEEDED)


def charge_sources(outcome: Outcome) -> Mapping[ChargeState, ChargeState]:
    """From → to, for each state in which `outcome` is allowed."""
    return {state: to for (state, what), to in CHARGE_TRANSITIONS.items() if what is outcome}


def charge_target(outcome: Outcome) -> ChargeState:
    """The state after `outcome`; every allowed state leads to the same one."""
    return CHARGE_TRANSITIONS[ChargeState.STARTED, outcome]


@dataclass(frozen=True, slots=True)
class Charge:
    """One intended one-click charge; `id` is the idempotency key of payments.CreatePayment."""

    id: str
    merchant_id: str
    customer_id: str
    instrument_id: str
    address_id: str | None
    consent_id: str
    session_id: str | None
    session_try: int | None
    state: ChargeState
    amount: Money
    capture: CaptureMode
    order_reference: str
    request: bytes | None  # the request to payments, sealed; None once answered
    sca: ScaHistory
    created_at: datetime
    payment_id: str | None = None
    capture_at: datetime | None = None
    refusal: StoredRefusal | None = None
    items: tuple[Item, ...] = ()  # the order's remaining items
    lowering: Lowering | None = None


@dataclass(frozen=True, slots=True)
class OtherMethodPayment:
    """What one event says about a payment by another method with one of our instruments."""

    merchant_id: str
    payment_id: str
    instrument_id: str
    amount: Money
    challenged: bool
    succeeded: bool
    failed: bool
    created_at: datetime
