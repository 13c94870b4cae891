"""Cash-on-delivery offers for a cart, by courier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from libs import context
from libs.dataclass_copies import copy_as
from libs.money import Money
from services.cod.deps import Deps
from services.cod.flows import refusing
from services.cod.rules import offers
from services.cod.rules.offers import Cart, CourierOffer
from services.cod.rules.recipients import subjects
from services.cod.rules.settings import Settings
from services.cod.store import couriers as couriers_store
from services.cod.store.settings import SETTINGS

ZONE: Final = ZoneInfo("Europe/Rome")  # legal limits change at midnight here


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOffers:
    """A cart as the shop describes it; None if not given."""

    amount_minor: int
    currency: str
    country: str | None = None
    postcode: str | None = None
    categories: tuple[str, ...] = ()
    failed_methods: tuple[str, ...] = ()
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """All active couriers in the order of the offers, in the reader's language."""

    offers: Sequence[CourierOffer]
    cart: Cart
    locale: str


async def list_offers(deps: Deps, cmd: ListOffers) -> Compared:
    merchant = await deps.merchants.get()
    default = Settings(currency=merchant.default_currency)
    now, known = deps.clock.now(), subjects(None, cmd.customer_id)
    async with deps.db.snapshot() as conn:
        settings = await SETTINGS.get(conn, context.merchant_id(), default)
        couriers = await couriers_store.active(conn, context.merchant_id())
        refused = await refusing.count(deps, conn, known, settings, now)
    cart = copy_as(
        Cart,
        cmd,
        price=Money(cmd.amount_minor, cmd.currency),
        country=cmd.country or merchant.country,
        on=now.astimezone(ZONE).date(),
        refusals=refused,
    )
    return Compared(offers.compared(couriers, cart, settings), cart, merchant.locale)
