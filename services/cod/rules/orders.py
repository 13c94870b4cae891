"""Orders that are paid at the door, and what may be done with them. Pure.

bills.py computes their price, courier_events.py applies what their courier reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from libs.dataclass_copies import patched
from libs.money import Money
from services.cod.errors import (
    AmountNotAcknowledged,
    DepositUnpaid,
    OrderClosed,
    OrderNotConfirmed,
    RecipientUnreachable,
)
from services.cod.rules import bills
from services.cod.rules.bills import Bill, Line
from services.cod.rules.couriers import CollectionMode
from services.cod.rules.parcels import Parcel
from services.cod.rules.states import (
    CHANGEABLE,
    GONE,
    ORDER_INITIAL,
    ORDER_TRANSITIONS,
    OrderEvent,
    OrderState,
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """None: not given, or erased."""

    name: str | None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A delivery address. Town and country are required if it is given in parts."""

    street: str | None
    town: str | None
    country: str
    postcode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`deposit_asked_minor`: the shop's choice; None: by the settings. `confirmed_minor`: the most that
    the recipient has agreed to pay. `refunded_minor`: cash that is refunded, or is to be.
    `acknowledged_minor`: None unless the courier has acknowledged an amount since the last change.
    `paid_online_minor`: the total paid by its links, refunds included. `kept_link`: the number of the link whose
    payment counts for it, `kept_deposit`: that of its deposit. `links`: how many payment links it has had.
    """

    merchant_id: str
    id: str
    state: OrderState = ORDER_INITIAL
    order_reference: str
    amount: Money
    fee_minor: int
    fee_net_minor: int
    fee_vat_minor: int
    deposit_minor: int
    to_collect_minor: int
    collected_minor: int = 0
    refunded_minor: int = 0
    cut_minor: int
    courier_id: str
    mode: CollectionMode
    recipient: Recipient
    address: Address
    customer_id: str | None = None
    locale: str
    lines: tuple[Line, ...] = ()
    categories: tuple[str, ...] = ()
    failed_methods: tuple[str, ...] = ()
    deposit_asked_minor: int | None = None
    needs_confirmation: bool = False
    confirmed_minor: int | None = None
    acknowledged_minor: int | None = None
    attempts: int = 0
    changes: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    trace_id: str = ""
    created_at: datetime
    confirmed_at: datetime | None = None
    dispatched_at: datetime | None = None
    collected_at: datetime | None = None
    remit_due_at: datetime | None = None
    converted_at: datetime | None = None
    paid_online_minor: int = 0
    refunded_online_minor: int = 0
    kept_link: int | None = None
    kept_deposit: int | None = None
    deposit_paid_minor: int = 0
    deposit_refunded_minor: int = 0
    deposit_paid_at: datetime | None = None
    links: int = 0
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    parcels: tuple[Parcel, ...] = ()

    @property
    def total_minor(self) -> int:
        return self.amount.amount_minor + self.fee_minor

    @property
    def owes_deposit(self) -> bool:
        """Whether its deposit is still to be paid."""
        unpaid = self.deposit_minor > 0 and self.kept_deposit is None
        return unpaid and self.state in CHANGEABLE

    @property
    def waits(self) -> bool:
        """Whether it waits for its recipient to confirm it or to pay its deposit."""
        return self.state is OrderState.PROPOSED or self.owes_deposit

    @property
    def to_collect(self) -> Money:
        return Money(self.to_collect_minor, self.amount.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """The new values of a change; None keeps the current one."""

    amount_minor: int | None
    lines: tuple[Line, ...]
    recipient: Recipient | None
    address: Address | None
    courier_id: str | None
    mode: CollectionMode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An order as it was before a change, kept permanently."""

    merchant_id: str
    id: str
    order_id: str
    amount_minor: int
    fee_minor: int
    to_collect_minor: int
    courier_id: str
    mode: CollectionMode
    recipient: Recipient | None
    address: Address | None
    lines: tuple[Line, ...]
    changed_by: str
    changed_at: datetime


def check_reachable(recipient: Recipient) -> None:
    """Raises RecipientUnreachable if no code can be sent."""
    if not (recipient.phone or recipient.email):
        raise RecipientUnreachable


def confirmed(order: Order, now: datetime) -> Order:
    """Confirmed by its recipient, or because no confirmation is needed. Raises OrderClosed."""
    state = moved(order, OrderEvent.CONFIRM)
    after = replace(order, state=state, confirmed_minor=order.to_collect_minor, confirmed_at=now)
    return waiting(after)


def waiting(order: Order) -> Order:
    """An order that no longer waits for its recipient does not expire."""
    return order if order.waits else replace(order, expires_at=None)


def changed(order: Order, bill: Bill, change: OrderChange) -> Order:
    """The same order if nothing differs. Otherwise the courier has to acknowledge it again, and a recipient
    who has agreed to pay less has to confirm it again. Raises OrderClosed, RecipientUnreachable.
    """
    check_changeable(order)
    amount_is_new = bill.amount != order.amount
    after = replace(
        patched(order, bill),
        lines=change.lines or (() if amount_is_new else order.lines),
        recipient=change.recipient or order.recipient,
        address=change.address or order.address,
    )
    if after == order:
        return order
    after = replace(after, changes=order.changes + 1, acknowledged_minor=None)
    if after.courier_id != order.courier_id:
        after = replace(after, parcels=())
    if not order.needs_confirmation:
        return after
    check_reachable(after.recipient)
    agreed = order.confirmed_minor or 0
    if order.state is OrderState.CONFIRMED and after.to_collect_minor > agreed:
        after = replace(after, state=moved(order, OrderEvent.REOPEN), confirmed_at=None)
    return after


def amount_of(change: OrderChange, order: Order) -> int:
    """Goods and shipping after a change: the given amount, or the sum of its lines."""
    if change.amount_minor is not None:
        return change.amount_minor
    if not change.lines:
        return order.amount.amount_minor
    return bills.sum_of(change.lines)


def before(order: Order, *, change_id: str, by: str, now: datetime) -> Before:
    return Before(
        merchant_id=order.merchant_id,
        id=change_id,
        order_id=order.id,
        amount_minor=order.amount.amount_minor,
        fee_minor=order.fee_minor,
        to_collect_minor=order.to_collect_minor,
        courier_id=order.courier_id,
        mode=order.mode,
        recipient=order.recipient,
        address=order.address,
        lines=order.lines,
        changed_by=by,
        changed_at=now,
    )


def cancelled(order: Order, now: datetime) -> Order:
    """Cancelling again changes nothing. Raises OrderClosed."""
    if order.state is OrderState.CANCELLED:
        return order
    return replace(order, state=moved(order, OrderEvent.CANCEL), ended_at=now)


def dispatched(order: Order, now: datetime) -> Order:
    """Dispatching again changes nothing. Raises OrderClosed, OrderNotConfirmed, DepositUnpaid,
    AmountNotAcknowledged.
    """
    if order.state is OrderState.PROPOSED:
        raise OrderNotConfirmed
    if order.state in GONE or (order.state is OrderState.CONVERTED and not order.dispatched_at):
        raise closed(order)
    if order.state is not OrderState.CONFIRMED:
        return order
    check_deposit(order)
    check_acknowledged(order)
    return replace(order, state=moved(order, OrderEvent.DISPATCH), dispatched_at=now)


def check_deposit(order: Order) -> None:
    """Raises DepositUnpaid, with the amount due."""
    if not order.owes_deposit:
        return
    deposit_minor, currency = order.deposit_minor, order.amount.currency
    raise DepositUnpaid(
        f"The deposit of {deposit_minor} {currency} (minor units) has not been paid:"
        " the order is dispatched once it is.",
        facts={"deposit_minor": str(deposit_minor), "currency": currency},
    )


def check_acknowledged(order: Order) -> None:
    """Raises AmountNotAcknowledged unless the courier has acknowledged the amount to collect."""
    if order.acknowledged_minor == order.to_collect_minor:
        return
    facts = {
        "to_collect_minor": str(order.to_collect_minor),
        "currency": order.amount.currency,
    }
    if order.acknowledged_minor is not None:
        facts["acknowledged_minor"] = str(order.acknowledged_minor)
    acknowledged = "nothing" if order.acknowledged_minor is None else str(order.acknowledged_minor)
    raise AmountNotAcknowledged(
        f"The courier is to collect {order.to_collect_minor} {order.amount.currency} (minor units),"
        f" and has acknowledged {acknowledged}: its parcels' amounts must sum to that before it is dispatched.",
        facts=facts,
    )


def check_changeable(order: Order) -> None:
    if order.state not in CHANGEABLE:
        raise closed(order)


def moved(order: Order, event: OrderEvent) -> OrderState:
    """Raises OrderClosed."""
    to = ORDER_TRANSITIONS.get((order.state, event))
    if to is None:
        raise closed(order)
    return to


def closed(order: Order) -> OrderClosed:
    return OrderClosed(facts={"state": order.state.value})
