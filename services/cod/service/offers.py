"""The gRPC servicer for couriers, settings and offers: one line per RPC."""

from typing import Final

from incasso.cod.v1 import cod_pb2 as pb
from incasso.common.v1 import offer_pb2
from libs import servicer
from services.cod.deps import Deps
from services.cod.errors import CourierNotFound
from services.cod.events import courier_pb, method_pb, offer_pb, settings_pb
from services.cod.flows import couriers, offers, settings
from services.cod.flows.offers import Compared, ListOffers
from services.cod.rules.couriers import Courier
from services.cod.rules.settings import Settings, SettingsChange
from services.cod.store.couriers import COURIERS


async def _get_settings(deps: Deps) -> pb.CodSettings:
    return await _shown(deps, await settings.get_settings(deps))


async def _update_settings(deps: Deps, new: SettingsChange) -> pb.CodSettings:
    return await _shown(deps, await settings.update_settings(deps, new))


async def _shown(deps: Deps, found: Settings) -> pb.CodSettings:
    merchant = await deps.merchants.get()
    return settings_pb(found, merchant.locale)


async def _list_offers(deps: Deps, cmd: ListOffers) -> list[offer_pb2.CodOffer]:
    return _offers(await offers.list_offers(deps, cmd))


async def _get_offer(deps: Deps, request: pb.GetOfferRequest) -> offer_pb2.Offer:
    cart = request.cart
    asked = ListOffers(
        amount_minor=cart.amount.amount_minor,
        currency=cart.amount.currency,
        country=cart.country or None,
        postcode=cart.postcode or None,
        categories=tuple(cart.categories),
        failed_methods=tuple(cart.failed_methods),
        customer_id=cart.customer_id or None,
    )
    found = await offers.list_offers(deps, asked)
    return method_pb(_offers(found), found.locale)


def _offers(found: Compared) -> list[offer_pb2.CodOffer]:
    return [offer_pb(offer, found.cart) for offer in found.offers]


CodOffers: Final = servicer.of(
    "incasso.cod.v1.CodOffersService",
    shows={Courier: courier_pb},
    CreateCourier=couriers.create_courier,
    GetCourier=servicer.Row(COURIERS, CourierNotFound),
    ListCouriers=servicer.Rows(COURIERS, "cou"),
    UpdateCourier=couriers.update_courier,
    ArchiveCourier=couriers.archive_courier,
    GetCodSettings=_get_settings,
    UpdateCodSettings=_update_settings,
    ListCodOffers=_list_offers,
    GetOffer=_get_offer,
)
