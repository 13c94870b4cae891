"""The start page of the settings: the areas open to this role."""

from typing import Final

from services.console import navigation
from services.console.page import Html, Page, get
from services.console.visit import Visit

AREA: Final = "settings"


async def start(visit: Visit) -> Html:
    return Html("settings.html", {"found": navigation.settings_of(visit.who)})


PAGES: Final[tuple[Page, ...]] = (get("/settings", start, AREA, "merchants.GetMerchant"),)
