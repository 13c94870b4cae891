"""What the outside sees: resources as protobuf, for answers and events alike, and the events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from google.protobuf.message import Message

from incasso.common.v1 import offer_pb2
from incasso.oneclick.v1 import events_pb2, oneclick_pb2
from incasso.payments.v1 import payments_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from services.oneclick.rules import instruments, items, sessions
from services.oneclick.rules.domain import Address, Charge, Customer
from services.oneclick.rules.instruments import Card, Chargeable, Instrument, InstrumentState
from services.oneclick.rules.items import Item, Lowering
from services.oneclick.rules.limits import Policy
from services.oneclick.rules.offers import Offer
from services.oneclick.rules.sessions import Session

_CUSTOMER_CREATED: Final = "incasso.oneclick.customer.created"
_CUSTOMER_UPDATED: Final = "incasso.oneclick.customer.updated"
_CUSTOMER_ERASED: Final = "incasso.oneclick.customer.erased"
_INSTRUMENT_ATTACHED: Final = "incasso.oneclick.instrument.attached"
_INSTRUMENT_DETACHED: Final = "incasso.oneclick.instrument.detached"
_ITEMS_REMOVED: Final = "incasso.oneclick.order.items_removed"

# Of those that `instruments.KNOWN` has: the others are never shown.
_INSTRUMENT_STATES: Final = wire.numbers(InstrumentState, oneclick_pb2.Instrument.State)


def customer_pb(customer: Customer) -> oneclick_pb2.Customer:
    return wire.message(oneclick_pb2.Customer, customer)


def contact_pb(customer: Customer) -> oneclick_pb2.Contact:
    return oneclick_pb2.Contact(
        customer_id=customer.id,
        email=customer.email or "",
        name=customer.name,
        locale=customer.locale,
    )


def address_pb(address: Address, *, default_id: str | None) -> oneclick_pb2.Address:
    return wire.message(oneclick_pb2.Address, address, default=address.id == default_id)


def instrument_pb(
    instrument: Instrument, *, default_id: str | None, now: datetime
) -> oneclick_pb2.Instrument:
    """As of `now`: an active card whose date is over is expired."""
    state: Any = _INSTRUMENT_STATES[instrument.state]
    if instrument.state is InstrumentState.ACTIVE and instruments.is_expired(instrument.card, now):
        state = oneclick_pb2.Instrument.STATE_EXPIRED
    url, card = instrument.next_action_url, instrument.card
    waits = instrument.state is InstrumentState.REQUIRES_ACTION and url
    return wire.message(
        oneclick_pb2.Instrument,
        instrument,
        state=state,
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        country=card.country or None,
        psp_accounts=[token.psp_account for token in instrument.tokens],
        default=instrument.id == default_id,
        next_action=payments_pb2.NextAction(type="redirect", url=url) if waits else None,
    )


def chargeables_pb(
    found: Sequence[Chargeable], *, default_id: str | None, now: datetime
) -> oneclick_pb2.ListChargeableInstrumentsResponse:
    """For other services only: it has tokens."""
    return oneclick_pb2.ListChargeableInstrumentsResponse(
        data=[_chargeable_pb(one, default_id=default_id, now=now) for one in found]
    )


def _chargeable_pb(
    one: Chargeable, *, default_id: str | None, now: datetime
) -> oneclick_pb2.ChargeableInstrument:
    return oneclick_pb2.ChargeableInstrument(
        instrument=instrument_pb(one.instrument, default_id=default_id, now=now),
        charge=payments_pb2.Instrument.FromString(one.charge),
        sca_history=payments_pb2.ScaHistory(
            payments_since_challenge=one.history.payments,
            amount_since_challenge_minor=one.history.amount_minor,
        ),
    )


def policy_pb(policy: Policy) -> oneclick_pb2.Policy:
    return wire.message(
        oneclick_pb2.Policy,
        policy,
        max_charge_minor=policy.max_charge.amount_minor,
        max_daily_minor=policy.max_daily.amount_minor,
    )


def card_pb(instrument_id: str, card: Card) -> offer_pb2.OfferedCard:
    return offer_pb2.OfferedCard(instrument_id=instrument_id, brand=card.brand, last4=card.last4)


def offer_pb(offer: Offer) -> offer_pb2.Offer:
    return offer_pb2.Offer(
        method="one_click",
        available=offer.reason is None,
        reason=offer.reason,
        label=offer.label,
        card=card_pb(offer.instrument_id, offer.card) if offer.card else None,
    )


def session_pb(
    session: Session,
    left: Sequence[Item],
    *,
    now: datetime,
    locale: str | None,
    card: tuple[str, Card] | None,
    payment: bytes | None = None,
) -> oneclick_pb2.OneClickSession:
    """As of `now`. `left` is what the order holds, `card` the instrument's id with its card,
    `payment` a message's bytes.
    """
    shown = wire.message(
        oneclick_pb2.OneClickSession,
        session,
        card=card_pb(*card) if card else None,
        payment=payments_pb2.Payment.FromString(payment) if payment is not None else None,
        locale=locale,
        items=[wire.message(oneclick_pb2.OrderItem, item) for item in left],
    )
    if sessions.is_expired(session, now):
        shown.state = oneclick_pb2.OneClickSession.STATE_EXPIRED
    return shown


def session_with(answer: bytes, items: Sequence[Item], *, client_secret: str | None) -> bytes:
    """A session's message with what is not kept in it."""
    session = oneclick_pb2.OneClickSession.FromString(answer)
    session.items.extend(wire.message(oneclick_pb2.OrderItem, item) for item in items)
    if client_secret is not None:
        session.client_secret = client_secret
    return session.SerializeToString()


async def customer_created(conn: Conn, customer: Customer) -> None:
    event = events_pb2.CustomerCreated(customer=customer_pb(customer))
    await _append(conn, customer, _CUSTOMER_CREATED, event, customer.created_at)


async def customer_updated(conn: Conn, customer: Customer, now: datetime) -> None:
    event = events_pb2.CustomerUpdated(customer=customer_pb(customer))
    await _append(conn, customer, _CUSTOMER_UPDATED, event, now)


async def customer_erased(conn: Conn, customer: Customer, now: datetime) -> None:
    event = events_pb2.CustomerErased(customer_id=customer.id)
    await _append(conn, customer, _CUSTOMER_ERASED, event, now)


def without_personal_data(customer: Customer) -> dict[str, bytes]:
    """Bodies that logged events of an erased customer get, by subject."""
    left = customer_pb(customer)
    return {
        _CUSTOMER_CREATED: events_pb2.CustomerCreated(customer=left).SerializeToString(),
        _CUSTOMER_UPDATED: events_pb2.CustomerUpdated(customer=left).SerializeToString(),
    }


async def instrument_attached(
    conn: Conn, instrument: Instrument, *, default_id: str | None, now: datetime
) -> None:
    shown = instrument_pb(instrument, default_id=default_id, now=now)
    event = events_pb2.InstrumentAttached(instrument=shown)
    await _append(conn, instrument, _INSTRUMENT_ATTACHED, event, now)


async def instrument_detached(conn: Conn, instrument: Instrument, now: datetime) -> None:
    shown = instrument_pb(instrument, default_id=None, now=now)
    event = events_pb2.InstrumentDetached(instrument=shown)
    await _append(conn, instrument, _INSTRUMENT_DETACHED, event, now)


async def items_removed(conn: Conn, before: Charge, lowering: Lowering, now: datetime) -> None:
    """Ids and numbers only: the shop knows its lines, and names would outlive an erasure."""
    left = lowering.items
    message = events_pb2.OrderItemsRemoved(
        payment_id=before.payment_id or "",
        order_reference=before.order_reference,
        amount=wire.money(lowering.amount),
        removed=[
            wire.message(oneclick_pb2.ItemRemoval, each)
            for each in items.removed(before.items, left)
        ],
        left=[oneclick_pb2.ItemRemoval(item_id=item.id, quantity=item.quantity) for item in left],
    )
    await _append(conn, before, _ITEMS_REMOVED, message, now)


async def _append(
    conn: Conn, of: Customer | Instrument | Charge, subject: str, event: Message, now: datetime
) -> None:
    body = event.SerializeToString()
    await outbox.tell(conn, NewEvent(of.merchant_id, of.id, subject, body, now))
