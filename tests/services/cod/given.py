"""Orders and parcels for tests of rules."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from libs.money import Money
from services.cod.rules import parcels
from services.cod.rules.couriers import CollectionMode, Courier, CourierTerms, Mode, on_terms
from services.cod.rules.cuts import Cut
from services.cod.rules.orders import Address, Order, Recipient
from services.cod.rules.parcels import AcknowledgedParcel
from services.cod.rules.states import OrderState

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def an_order(*, to_collect_minor: int = 5_000, fee_minor: int = 0, **more: Any) -> Order:
    """Confirmed, unless `more` says otherwise."""
    values: dict[str, Any] = {
        "merchant_id": "mer_1",
        "id": "cod_1",
        "state": OrderState.CONFIRMED,
        "order_reference": "A",
        "amount": Money(to_collect_minor - fee_minor, "EUR"),
        "fee_minor": fee_minor,
        "fee_net_minor": fee_minor,
        "fee_vat_minor": 0,
        "deposit_minor": 0,
        "to_collect_minor": to_collect_minor,
        "cut_minor": 300,
        "courier_id": "cou_1",
        "mode": CollectionMode.CASH,
        "recipient": Recipient("Giulia Bianchi", phone="+393331234567"),
        "address": Address("Via Roma 1", "Roma", "IT", "00185"),
        "locale": "it",
        "created_at": NOW,
    }
    return Order(**{**values, **more})


def a_courier(**more: Any) -> Courier:
    """Keeps 3.00, unless `more` says otherwise."""
    cash = (Mode(CollectionMode.CASH, "CONT"),)
    terms = CourierTerms(name="GLS", currency="EUR", cut=Cut(fixed_minor=300), modes=cash)
    known = {"courier_id": "cou_1", "merchant_id": "mer_1", "created_at": NOW}
    return replace(on_terms(terms, **known), **more)


def dispatched(*amounts: int, **more: Any) -> Order:
    """In parcels of these amounts, numbered by position."""
    order = an_order(to_collect_minor=sum(amounts), state=OrderState.DISPATCHED, **more)
    stated = [AcknowledgedParcel("A", str(place), amount) for place, amount in enumerate(amounts)]
    taken = parcels.taken_up(stated, merchant_id="mer_1", courier_id="cou_1", order_id=order.id)
    return replace(order, parcels=taken, acknowledged_minor=sum(amounts), dispatched_at=NOW)
