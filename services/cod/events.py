"""The public view: resources as protobuf, for answers and events alike, and the events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from incasso.cod.v1 import cod_pb2 as pb
from incasso.cod.v1 import events_pb2
from incasso.common.v1 import offer_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.money import Money
from services.cod.rules import texts
from services.cod.rules.couriers import CollectionMode, Courier, CourierState
from services.cod.rules.offers import Cart, CourierOffer
from services.cod.rules.settings import Settings

METHOD: Final = "cod"
NO_COURIER: Final = "no_courier"  # the merchant has none, or has archived all

_MODES: Final = wire.numbers(CollectionMode, offer_pb2.CollectionMode)


_CHANGES: Final[Mapping[CourierState, Any]] = {
    CourierState.ACTIVE: events_pb2.CourierUpdated,
    CourierState.ARCHIVED: events_pb2.CourierArchived,
}


def courier_pb(courier: Courier) -> pb.Courier:
    return wire.message(pb.Courier, courier)


async def courier_created(conn: Conn, courier: Courier) -> None:
    event = events_pb2.CourierCreated(courier=courier_pb(courier))
    await outbox.append(conn, outbox.event_of(courier, event, courier.created_at))


async def courier_changed(conn: Conn, courier: Courier, now: datetime) -> None:
    event = _CHANGES[courier.state](courier=courier_pb(courier))
    await outbox.append(conn, outbox.event_of(courier, event, now))


def settings_pb(settings: Settings, locale: str) -> pb.CodSettings:
    warning = wire.message(pb.CodFeeWarning, texts.fee_warning(locale))
    return wire.message(pb.CodSettings, settings, fee_warning=warning)


def offer_pb(offer: CourierOffer, cart: Cart) -> offer_pb2.CodOffer:
    shown = offer_pb2.CodOffer(courier_id=offer.courier.id, courier=offer.courier.name)
    if (no := offer.ineligible) is not None:
        shown.reason = no.reason.value
        if no.threshold is not None:
            shown.threshold.CopyFrom(wire.money(no.threshold))
        if no.detail:
            shown.detail = no.detail
    if (priced := offer.priced) is not None:
        shown.available = True
        shown.modes.extend(_MODES[mode] for mode in priced.modes)
        shown.fee_minor = priced.fee.fee_minor
        shown.fee_net_minor = priced.fee.net_minor
        shown.fee_vat_minor = priced.fee.vat_minor
        shown.total.CopyFrom(wire.money(priced.total))
        shown.deposit_minor = priced.deposit_minor
        shown.collect_minor = priced.collect_minor
        shown.cut_minor = priced.cut_minor
        shown.after_failed_payment = bool(cart.failed_methods)
    return shown


def method_pb(offers: list[offer_pb2.CodOffer], locale: str) -> offer_pb2.Offer:
    """The offer for checkout-options: the first available courier, which is the cheapest, or the
    reason why there is none.
    """
    if not offers:
        return offer_pb2.Offer(method=METHOD, reason=NO_COURIER)
    first = offers[0]
    shown = offer_pb2.Offer(method=METHOD, available=first.available, cod=first)
    if first.available:
        fee = Money(first.fee_minor, first.total.currency)
        shown.label, shown.fee_minor = texts.label(fee, locale), first.fee_minor
    else:
        shown.reason = first.reason
    return shown
