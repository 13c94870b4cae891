"""How the merchant appears to shoppers: name, colour, logo, addresses; with a preview that needs no script."""

import base64
from typing import Final

from incasso.merchants.v1 import merchants_pb2
from libs.display import LANGUAGES
from libs.errors import Refusal, invalid
from libs.logs import log
from libs.web.theme import DARK_SURFACE, LIGHT_SURFACE, theme
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "settings_branding"
MOST_OF_LOGO: Final = 32 * 1024  # the service's limit
MOST_OF_FILE: Final = 8 * 1024 * 1024  # higher, to refuse a large picture at its field
_TEXTS: Final = ("primary_colour", "reply_to", "website_url", "logo_url")


async def branding(visit: Visit) -> Html:
    """The stored or typed values, and a preview of a pay page with them."""
    merchant = _merchant(visit)
    look = theme(visit.typed("primary_colour", merchant.branding.primary_colour))
    return Html(
        "branding.html",
        {
            "merchant": merchant,
            "fill": look.fill,
            "looks": (
                ("light", LIGHT_SURFACE, look.light_ink, look),
                ("dark", DARK_SURFACE, look.dark_ink, look),
            ),
            "logo": await _logo(visit, merchant.branding.logo_id),
            "languages": LANGUAGES,
            "unsaved": bool(visit.form),
            "manages": visit.who.holds("merchant:write"),
        },
    )


async def save(visit: Visit) -> Html | See:
    """Saves the branding; or shows a preview, if that was asked for."""
    if visit.typed("preview") == "yes":
        return await branding(visit)
    values = {name: visit.typed(name) for name in _TEXTS if visit.typed(name)}
    request = merchants_pb2.UpdateMerchantRequest(
        name=visit.typed("name"),
        locale=visit.typed("locale") or None,
        branding=merchants_pb2.Branding(**values),
    )
    await visit.change(request, before=_before(_merchant(visit)))
    return See("/settings/branding", notice="saved")


async def put_logo(visit: Visit) -> See:
    """The service checks the picture and says what is wrong with it."""
    if visit.file is None:
        raise invalid("picture", visit.word("logo_missing"))
    if len(visit.file.content) > MOST_OF_LOGO:
        raise invalid("picture", visit.word("logo_hint"))
    picture = base64.b64encode(visit.file.content).decode()
    request = merchants_pb2.PutLogoRequest(picture=picture)
    await visit.change(request, before=_before(_merchant(visit)))
    return See("/settings/branding", notice="logo_saved")


async def delete_logo(visit: Visit) -> See:
    await visit.change(merchants_pb2.DeleteLogoRequest(), before=_before(_merchant(visit)))
    return See("/settings/branding", notice="logo_deleted")


def _before(merchant: merchants_pb2.Merchant) -> merchants_pb2.UpdateMerchantRequest:
    """The values that these forms change, without the bank account."""
    return merchants_pb2.UpdateMerchantRequest(
        name=merchant.name, locale=merchant.locale, branding=merchant.branding
    )


def _merchant(visit: Visit) -> merchants_pb2.Merchant:
    assert visit.merchant is not None  # set for every page about a merchant
    return visit.merchant


async def _logo(visit: Visit, logo_id: str) -> str:
    """The logo as a data URL; "" if there is none, or it cannot be loaded."""
    if not logo_id:
        return ""
    try:
        found = await visit.ask(merchants_pb2.GetLogoRequest(logo_id=logo_id))
    except Refusal as refusal:
        log.info("a logo is not shown", error=refusal.reason)
        return ""
    return f"data:{found.media_type};base64,{base64.b64encode(found.picture).decode()}"


READS: Final = ("merchants.GetMerchant", "merchants.GetLogo")
PAGES: Final[tuple[Page, ...]] = (
    get("/settings/branding", branding, AREA, *READS),
    post("/settings/branding", save, AREA, *READS, "merchants.UpdateMerchant", again=branding),
    post(
        "/settings/branding/logo",
        put_logo,
        AREA,
        *READS,
        "merchants.PutLogo",
        again=branding,
        most_of_file=MOST_OF_FILE,
    ),
    post(
        "/settings/branding/logo/delete",
        delete_logo,
        AREA,
        *READS,
        "merchants.DeleteLogo",
        again=branding,
    ),
)
