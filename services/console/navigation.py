"""The areas of the console, in the order of the navigation; a person sees those open to their role."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.console.session import SignedIn


@dataclass(frozen=True, slots=True)
class Area:
    """`scope` is that of its first page. Its text in texts/shared.toml is `area_<name>`."""

    name: str
    path: str
    icon: str
    scope: str


AREAS: Final = (
    Area("overview", "/", "chart", "reports:read"),
    Area("payments", "/payments", "card", "payments:read"),
    Area("links", "/links", "link", "links:read"),
    Area("instalments", "/instalments", "stairs", "instalments:read"),
    Area("cod", "/cod", "parcel", "cod:read"),
    Area("reconciliation", "/reconciliation", "scales", "reconciliation:read"),
    Area("months", "/months", "calendar", "reports:read"),
    Area("reports", "/reports", "table", "reports:read"),
    Area("team", "/team", "people", "members:read"),
    Area("audit", "/audit", "list", "audit:read"),
    Area("settings", "/settings", "sliders", "merchant:read"),
)
# Within the settings.
SETTINGS: Final = (
    Area("settings_branding", "/settings/branding", "palette", "merchant:read"),
    Area("settings_company", "/settings/company", "building", "merchant:read"),
    Area("settings_bank_account", "/settings/bank-account", "bank", "merchant:read"),
    Area("settings_keys", "/settings/keys", "key", "api_keys:read"),
    Area("settings_webhooks", "/settings/webhooks", "plug", "webhooks:read"),
    Area("settings_routing", "/settings/routing", "fork", "routing:read"),
    Area("settings_terms", "/settings/terms", "steps", "instalments:read"),
    Area("settings_lender", "/settings/lender", "scales", "instalments:read"),
    Area("settings_cash", "/settings/cash", "parcel", "cod:read"),
    Area("settings_couriers", "/settings/couriers", "van", "cod:read"),
    Area("settings_plan", "/settings/plan", "gauge", "merchant:read"),
)


def open_to(who: SignedIn) -> Sequence[Area]:
    """The areas open to a person; none until they have chosen a merchant."""
    if who.membership is None:
        return ()
    return [area for area in AREAS if who.holds(area.scope)]


def settings_of(who: SignedIn) -> Sequence[Area]:
    """The areas of the settings that the person's role sees."""
    return [area for area in SETTINGS if who.holds(area.scope)]
