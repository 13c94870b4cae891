"""The seller's settings for instalments: the applicable law, the lender, and their details in documents."""

from typing import Final

from incasso.common.v1 import money_pb2
from incasso.instalments.v1 import instalments_pb2
from libs.errors import invalid
from libs.money import Money
from services.console.listing import enum_value
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import amount_of, typed
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "settings_lender"
PATH: Final = "/settings/lender"
SETTINGS = instalments_pb2.InstalmentSettings
SIZES: Final = ("small", "large")
# An empty field removes these.
_TEXTS: Final = ("lender_registration", "creditor_address", "supervisor", "redress")
# These have a format, so an empty field cannot remove them.
_KEPT: Final = ("creditor_email", "creditor_phone")


async def shown(visit: Visit) -> Html:
    settings = await _settings(visit)
    limit = settings.exposure_limit
    values = {name: getattr(settings, name) for name in (*_TEXTS, *_KEPT)}
    values |= {
        "jurisdiction": settings.jurisdiction,
        "time_zone": settings.time_zone,
        "seller_size": enum(settings, "seller_size"),
        "exposure_limit": typed(Money(limit.amount_minor, limit.currency)),
    }
    writes = visit.who.holds("instalments:write")
    return Html(
        "lender.html",
        {"values": values, "currency": limit.currency, "sizes": SIZES, "writes": writes},
    )


async def save(visit: Visit) -> See:
    """Signed plans stay as they are."""
    before = await _settings(visit)
    limit = amount_of(visit.typed("exposure_limit"), before.exposure_limit.currency)
    if limit is None:
        raise invalid("exposure_limit", visit.word("amount_unreadable"))
    for name in _KEPT:
        if getattr(before, name) and not visit.typed(name):
            raise invalid(name, visit.word("not_removed"))
    request = instalments_pb2.UpdateInstalmentSettingsRequest(
        jurisdiction=visit.typed("jurisdiction").upper(),
        seller_size=enum_value(SETTINGS.SellerSize, visit.typed("seller_size")),
        exposure_limit=money_pb2.Money(amount_minor=limit.amount_minor, currency=limit.currency),
        time_zone=visit.typed("time_zone"),
        **{name: visit.typed(name) for name in _TEXTS},
        **{name: visit.typed(name) or None for name in _KEPT},
    )
    await visit.change(request, before=before)
    return See(PATH, notice="saved")


async def _settings(visit: Visit) -> instalments_pb2.InstalmentSettings:
    asked = instalments_pb2.GetInstalmentSettingsRequest()
    found: instalments_pb2.InstalmentSettings = (await visit.ask(asked)).settings
    return found


READS: Final = "instalments.GetInstalmentSettings"
PAGES: Final[tuple[Page, ...]] = (
    get(PATH, shown, AREA, READS),
    post(PATH, save, AREA, READS, "instalments.UpdateInstalmentSettings", again=shown),
)
