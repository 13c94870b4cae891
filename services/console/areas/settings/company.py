"""The legal seller: the name, VAT number and address shown to shoppers."""

from typing import Final

from incasso.common.v1 import merchant_pb2
from incasso.merchants.v1 import merchants_pb2
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "settings_company"
PATH: Final = "/settings/company"
FIELDS: Final = ("legal_name", "vat_number", "address")


async def shown(visit: Visit) -> Html:
    """The stored or typed values."""
    seller = _seller(visit)
    typed = {name: visit.typed(name, getattr(seller, name)) for name in FIELDS}
    return Html(
        "company.html",
        {"typed": typed, "seller": seller, "manages": visit.who.holds("merchant:write")},
    )


async def save(visit: Visit) -> See:
    """Saves all three; an empty field removes its value."""
    values = {name: visit.typed(name) or None for name in FIELDS}
    request = merchants_pb2.UpdateMerchantRequest(seller=merchant_pb2.Seller(**values))
    before = merchants_pb2.UpdateMerchantRequest(seller=_seller(visit))
    await visit.change(request, before=before)
    return See(PATH, notice="saved")


def _seller(visit: Visit) -> merchant_pb2.Seller:
    assert visit.merchant is not None  # set for every page about a merchant
    return visit.merchant.seller


READS: Final = "merchants.GetMerchant"
PAGES: Final[tuple[Page, ...]] = (
    get(PATH, shown, AREA, READS),
    post(PATH, save, AREA, READS, "merchants.UpdateMerchant", again=shown),
)
