"""All pages of people who are signed in. An area is a line."""

from typing import Final

from services.console.areas import (
    audit,
    carts,
    cash_refunds,
    cod,
    imports,
    instalments,
    links,
    months,
    overview,
    payments,
    person,
    plan_changes,
    quotes,
    reconciliation,
    remittances,
    reports,
    search,
    team,
)
from services.console.areas.settings import (
    branding,
    couriers,
    keys,
    plan,
    routing,
    start,
    terms,
    webhooks,
)
from services.console.page import Page

PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *payments.PAGES,
    *quotes.PAGES,
    *carts.PAGES,
    *links.PAGES,
    *instalments.PAGES,
    *plan_changes.PAGES,
    *cod.PAGES,
    *remittances.PAGES,
    *cash_refunds.PAGES,
    *reconciliation.PAGES,
    *imports.PAGES,
    *months.PAGES,
    *reports.PAGES,
    *team.PAGES,
    *audit.PAGES,
    *start.PAGES,
    *branding.PAGES,
    *keys.PAGES,
    *webhooks.PAGES,
    *routing.PAGES,
    *terms.PAGES,
    *couriers.PAGES,
    *plan.PAGES,
    *search.PAGES,
    *person.PAGES,
)
