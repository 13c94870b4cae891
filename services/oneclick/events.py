"""What the outside sees: resources as protobuf, for answers and events alike, and the events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from incasso.common.v1 import offer_pb2
from incasso.oneclick.v1 import events_pb2, oneclick_pb2
from incasso.payments.v1 import payments_pb2
from libs import outbox, wire
from libs.db import Conn
from services.oneclick.rules import instruments, items, sessions
from services.oneclick.rules.domain import Address, Charge, Customer, CustomerState
from services.oneclick.rules.instruments import Card, Chargeable, Instrument, InstrumentState
from services.oneclick.rules.items import Item, Lowering
from services.oneclick.rules.limits import Policy
from services.oneclick.rules.offers import Offer
from services.oneclick.rules.sessions import Session, SessionState

_CUSTOMER_CREATED: Final = "incasso.oneclick.customer.created"
_CUSTOMER_UPDATED: Final = "incasso.oneclick.customer.updated"
_CUSTOMER_ERASED: Final = "incasso.oneclick.customer.erased"
_INSTRUMENT_ATTACHED: Final = "incasso.oneclick.instrument.attached"
_INSTRUMENT_DETACHED: Final = "incasso.oneclick.instrument.detached"
_ITEMS_REMOVED: Final = "incasso.oneclick.order.items_removed"

_CUSTOMER_STATES: Final = {
    CustomerState.ACTIVE: oneclick_pb2.Customer.STATE_ACTIVE,
    CustomerState.ERASED: oneclick_pb2.Customer.STATE_ERASED,
}
# Only what `instruments.KNOWN` has is ever shown.
_INSTRUMENT_STATES: Final = {
    InstrumentState.REQUIRES_ACTION: oneclick_pb2.Instrument.STATE_REQUIRES_ACTION,
    InstrumentState.ACTIVE: oneclick_pb2.Instrument.STATE_ACTIVE,
    InstrumentState.DETACHED: oneclick_pb2.Instrument.STATE_DETACHED,
}
_SESSION_STATES: Final = {
    SessionState.OPEN: oneclick_pb2.OneClickSession.STATE_OPEN,
    SessionState.PAYING: oneclick_pb2.OneClickSession.STATE_PAYING,
    SessionState.PAID: oneclick_pb2.OneClickSession.STATE_PAID,
}


def customer_pb(customer: Customer) -> oneclick_pb2.Customer:
    return oneclick_pb2.Customer(
        id=customer.id,
        state=_CUSTOMER_STATES[customer.state],
        email=customer.email,
        name=customer.name,
        phone=customer.phone,
        locale=customer.locale,
        default_instrument_id=customer.default_instrument_id,
        metadata=customer.metadata,
        created_at=wire.timestamp(customer.created_at),
    )


def address_pb(address: Address, *, default_id: str | None) -> oneclick_pb2.Address:
    return oneclick_pb2.Address(
        id=address.id,
        name=address.name,
        line1=address.line1,
        line2=address.line2,
        city=address.city,
        postcode=address.postcode,
        region=address.region,
        country=address.country,
        default=address.id == default_id,
        created_at=wire.timestamp(address.created_at),
    )


def instrument_pb(
    instrument: Instrument, *, default_id: str | None, now: datetime
) -> oneclick_pb2.Instrument:
    """As of `now`: an active card whose date is over is expired."""
    state = _INSTRUMENT_STATES[instrument.state]
    if instrument.state is InstrumentState.ACTIVE and instruments.is_expired(instrument.card, now):
        state = oneclick_pb2.Instrument.STATE_EXPIRED
    url = instrument.next_action_url
    waits = instrument.state is InstrumentState.REQUIRES_ACTION and url
    return oneclick_pb2.Instrument(
        id=instrument.id,
        state=state,
        customer_id=instrument.customer_id,
        brand=instrument.card.brand,
        last4=instrument.card.last4,
        exp_month=instrument.card.exp_month,
        exp_year=instrument.card.exp_year,
        country=instrument.card.country or None,
        psp_accounts=[token.psp_account for token in instrument.tokens],
        default=instrument.id == default_id,
        next_action=payments_pb2.NextAction(type="redirect", url=url) if waits else None,
        created_at=wire.timestamp(instrument.created_at),
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
    return oneclick_pb2.Policy(
        max_charge_minor=policy.max_charge.amount_minor,
        max_daily_minor=policy.max_daily.amount_minor,
        max_hourly_charges=policy.max_hourly_charges,
        grace_seconds=policy.grace_seconds,
        max_charge=wire.money(policy.max_charge),
        max_daily=wire.money(policy.max_daily),
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


def item_pb(item: Item) -> oneclick_pb2.OrderItem:
    return oneclick_pb2.OrderItem(
        id=item.id,
        name=item.name,
        quantity=item.quantity,
        unit_amount_minor=item.unit_amount_minor,
        fixed=item.fixed,
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
    state = _SESSION_STATES[session.state]
    if sessions.is_expired(session, now):
        state = oneclick_pb2.OneClickSession.STATE_EXPIRED
    return oneclick_pb2.OneClickSession(
        id=session.id,
        state=state,
        customer_id=session.customer_id,
        amount=wire.money(session.amount),
        order_reference=session.order_reference,
        card=card_pb(*card) if card else None,
        payment=payments_pb2.Payment.FromString(payment) if payment is not None else None,
        expires_at=wire.timestamp(session.expires_at),
        created_at=wire.timestamp(session.created_at),
        locale=locale,
        items=[item_pb(item) for item in left],
    )


def session_with(answer: bytes, items: Sequence[Item], *, client_secret: str | None) -> bytes:
    """A session's message with what is not kept in it."""
    session = oneclick_pb2.OneClickSession.FromString(answer)
    session.items.extend(item_pb(item) for item in items)
    if client_secret is not None:
        session.client_secret = client_secret
    return session.SerializeToString()


async def customer_created(conn: Conn, customer: Customer) -> None:
    body = events_pb2.CustomerCreated(customer=customer_pb(customer)).SerializeToString()
    await _append(conn, customer, _CUSTOMER_CREATED, body, customer.created_at)


async def customer_updated(conn: Conn, customer: Customer, now: datetime) -> None:
    body = events_pb2.CustomerUpdated(customer=customer_pb(customer)).SerializeToString()
    await _append(conn, customer, _CUSTOMER_UPDATED, body, now)


async def customer_erased(conn: Conn, customer: Customer, now: datetime) -> None:
    body = events_pb2.CustomerErased(customer_id=customer.id).SerializeToString()
    await _append(conn, customer, _CUSTOMER_ERASED, body, now)


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
    body = events_pb2.InstrumentAttached(instrument=shown).SerializeToString()
    await _append(conn, instrument, _INSTRUMENT_ATTACHED, body, now)


async def instrument_detached(conn: Conn, instrument: Instrument, now: datetime) -> None:
    shown = instrument_pb(instrument, default_id=None, now=now)
    body = events_pb2.InstrumentDetached(instrument=shown).SerializeToString()
    await _append(conn, instrument, _INSTRUMENT_DETACHED, body, now)


async def items_removed(conn: Conn, before: Charge, lowering: Lowering, now: datetime) -> None:
    """Ids and numbers only: the shop knows its lines, and names would outlive an erasure."""
    left = lowering.items
    message = events_pb2.OrderItemsRemoved(
        payment_id=before.payment_id or "",
        order_reference=before.order_reference,
        amount=wire.money(lowering.amount),
        removed=[_removal_pb(r.item_id, r.quantity) for r in items.removed(before.items, left)],
        left=[_removal_pb(item.id, item.quantity) for item in left],
    )
    await _append(conn, before, _ITEMS_REMOVED, message.SerializeToString(), now)


def _removal_pb(item_id: str, quantity: int | None) -> oneclick_pb2.ItemRemoval:
    return oneclick_pb2.ItemRemoval(item_id=item_id, quantity=quantity)


async def _append(
    conn: Conn, of: Customer | Instrument | Charge, subject: str, body: bytes, now: datetime
) -> None:
    await outbox.append(
        conn,
        merchant_id=of.merchant_id,
        aggregate_id=of.id,
        subject=subject,
        body=body,
        at=now,
    )
