"""The outside view: resources as protobuf, for answers and events alike, and the events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from google.protobuf.message import Message

from incasso.common.v1 import offer_pb2
from incasso.oneclick.v1 import events_pb2, oneclick_pb2
from incasso.payments.v1 import payments_pb2
from libs import descriptors, outbox, wire
from libs.db import Conn
from libs.payments.answer import ScaHistory
from libs.rows import Placed
from services.oneclick.rules import instruments, items, sessions
from services.oneclick.rules.domain import Charge, Customer, ShownAddress
from services.oneclick.rules.instruments import (
    Card,
    Chargeable,
    Instrument,
    InstrumentState,
    ShownInstrument,
)
from services.oneclick.rules.items import Item, Lowering
from services.oneclick.rules.offers import Offer
from services.oneclick.rules.sessions import Session, SessionView
from services.oneclick.rules.spending import Policy

# For the states in `instruments.KNOWN`: others are never shown.
_INSTRUMENT_STATES: Final = wire.numbers(InstrumentState, oneclick_pb2.Instrument.State)


def customer_pb(customer: Customer) -> oneclick_pb2.Customer:
    return wire.message(oneclick_pb2.Customer, customer)


def contact_pb(customer: Customer) -> oneclick_pb2.Contact:
    return wire.message(oneclick_pb2.Contact, customer, customer_id=customer.id)


def address_pb(shown: ShownAddress) -> oneclick_pb2.Address:
    return wire.message(oneclick_pb2.Address, shown.address, default=shown.default)


def instrument_pb(shown: ShownInstrument) -> oneclick_pb2.Instrument:
    instrument, card = shown.instrument, shown.instrument.card
    state: Any = _INSTRUMENT_STATES[instrument.state]
    if instrument.state is InstrumentState.ACTIVE and instruments.is_expired(card, shown.at):
        state = oneclick_pb2.Instrument.STATE_EXPIRED
    url = instrument.next_action_url
    waits = instrument.state is InstrumentState.REQUIRES_ACTION and url
    message = wire.message(
        oneclick_pb2.Instrument,
        instrument,
        state=state,
        psp_accounts=[token.psp_account for token in instrument.tokens],
        default=shown.default,
        next_action=payments_pb2.NextAction(type="redirect", url=url) if waits else None,
    )
    message.MergeFrom(wire.message(oneclick_pb2.Instrument, card))
    return message


def chargeable_pb(one: Chargeable) -> oneclick_pb2.ChargeableInstrument:
    """For other services only: contains tokens."""
    return oneclick_pb2.ChargeableInstrument(
        instrument=instrument_pb(one.instrument),
        charge=payments_pb2.Instrument.FromString(one.charge),
        sca_history=None if one.history is None else _history_pb(one.history),
    )


def _history_pb(history: ScaHistory) -> payments_pb2.ScaHistory:
    return payments_pb2.ScaHistory(
        payments_since_challenge=history.payments,
        amount_since_challenge_minor=history.amount_minor,
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


def session_pb(view: SessionView) -> oneclick_pb2.OneClickSession:
    session, payment = view.session, view.payment
    shown = wire.message(
        oneclick_pb2.OneClickSession,
        session,
        card=card_pb(*view.card) if view.card else None,
        payment=payments_pb2.Payment.FromString(payment) if payment is not None else None,
        locale=view.locale,
        items=[wire.message(oneclick_pb2.OrderItem, item) for item in view.items],
    )
    if sessions.is_expired(session, view.at):
        shown.state = oneclick_pb2.OneClickSession.STATE_EXPIRED
    return shown


def session_with(answer: bytes, items: Sequence[Item], *, client_secret: str | None) -> bytes:
    """A session's message, completed with the fields that are not stored in it."""
    session = oneclick_pb2.OneClickSession.FromString(answer)
    session.items.extend(wire.message(oneclick_pb2.OrderItem, item) for item in items)
    if client_secret is not None:
        session.client_secret = client_secret
    return session.SerializeToString()


async def customer_created(conn: Conn, customer: Customer) -> None:
    event = events_pb2.CustomerCreated(customer=customer_pb(customer))
    await _tell(conn, customer, event, customer.created_at)


async def customer_updated(conn: Conn, customer: Customer, now: datetime) -> None:
    await _tell(conn, customer, events_pb2.CustomerUpdated(customer=customer_pb(customer)), now)


async def customer_erased(conn: Conn, customer: Customer, now: datetime) -> None:
    await _tell(conn, customer, events_pb2.CustomerErased(customer_id=customer.id), now)


def without_personal_data(customer: Customer) -> dict[str, bytes]:
    """New bodies for an erased customer's logged events, by subject."""
    left = customer_pb(customer)
    events = (events_pb2.CustomerCreated(customer=left), events_pb2.CustomerUpdated(customer=left))
    return {descriptors.subject_of(event): event.SerializeToString() for event in events}


async def instrument_attached(conn: Conn, shown: ShownInstrument) -> None:
    event = events_pb2.InstrumentAttached(instrument=instrument_pb(shown))
    await _tell(conn, shown.instrument, event, shown.at)


async def instrument_detached(conn: Conn, instrument: Instrument, now: datetime) -> None:
    shown = instrument_pb(ShownInstrument(instrument, default=False, at=now))
    await _tell(conn, instrument, events_pb2.InstrumentDetached(instrument=shown), now)


async def items_removed(conn: Conn, before: Charge, lowering: Lowering, now: datetime) -> None:
    """Only ids and quantities: the shop knows its items, and names would outlive an erasure."""
    left = lowering.items
    event = events_pb2.OrderItemsRemoved(
        payment_id=before.payment_id or "",
        order_reference=before.order_reference,
        amount=wire.money(lowering.amount),
        removed=[
            wire.message(oneclick_pb2.ItemRemoval, each)
            for each in items.removed(before.items, left)
        ],
        left=[oneclick_pb2.ItemRemoval(item_id=item.id, quantity=item.quantity) for item in left],
    )
    await _tell(conn, before, event, now)


async def session_opened(conn: Conn, session: Session) -> None:
    event = wire.message(events_pb2.OneClickSessionOpened, session, session_id=session.id)
    await _tell(conn, session, event, session.created_at)


async def session_paid(conn: Conn, session: Session, now: datetime) -> None:
    event = wire.message(events_pb2.OneClickSessionPaid, session, session_id=session.id)
    await _tell(conn, session, event, now)


async def _tell(conn: Conn, about: Placed, event: Message, now: datetime) -> None:
    await outbox.append(conn, outbox.event_of(about, event, now))
