"""Instalment terms. They never change, so that shoppers keep the terms they were shown: a change
means new terms based on the old ones, which are archived.
"""

from typing import Any, Final

from incasso.instalments.v1 import instalments_pb2
from libs.money import Money
from services.console.areas.settings import fields
from services.console.listing import enum_value, filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import typed
from services.console.rules.fields import percent_of
from services.console.rules.lists import names_of
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "settings_terms"
STATES: Final = ("active", "archived")
UNITS: Final = ("day", "week", "month")
BEARERS: Final = ("shopper", "merchant")
FINANCERS: Final = ("own", "assigned", "partner")
NEW: Final = "/settings/terms/new"
# Initial values of the form.
_USUAL: Final = {
    "payments": "3",
    "every_n": "1",
    "every_unit": "month",
    "min_amount_minor": "150.00",
    "max_amount_minor": "2000.00",
    "grace_days": "5",
    "remind_before": "3",
    "retry_after": "3, 8",
    "remind_after": "1, 8, 15",
    "default_after": "60",
    "fees_borne_by": "shopper",
    "financed_by": "own",
}
_AMOUNTS: Final = (
    "upfront_fee_minor",
    "payment_fee_minor",
    "min_amount_minor",
    "max_amount_minor",
    "late_fee_minor",
    "late_fees_most_minor",
)
_SHARES: Final = ("down_payment_basis_points", "interest_basis_points", "upfront_fee_basis_points")
_LISTS: Final = ("categories", "excluded_categories", "segments")
_DAYS: Final = ("remind_before", "retry_after", "remind_after")


async def listed(visit: Visit) -> Html:
    request = instalments_pb2.ListInstalmentTermsRequest()
    found = await rows(visit, request, "terms", "state")
    shown = filters(visit, "/settings/terms", "state", STATES)
    return Html("terms.html", {**found, "filters": shown})


async def one(visit: Visit) -> Html:
    terms = await _terms(visit, visit.part("terms_id"))
    return Html("terms_one.html", {"terms": terms, "state": enum(terms, "state")})


async def form(visit: Visit) -> Html:
    """A form with the usual values, or with those of the terms named in the query."""
    like = visit.asked("like")
    values = _as_typed(await _terms(visit, like)) if like else _USUAL
    return Html(
        "terms_new.html",
        {"values": values, "units": UNITS, "bearers": BEARERS, "financers": FINANCERS},
    )


async def create(visit: Visit) -> See:
    answer = await visit.change(_request(visit))
    return See(f"/settings/terms/{answer.terms.id}", notice="created")


async def archive(visit: Visit) -> See:
    before = await _terms(visit, visit.part("terms_id"))
    request = instalments_pb2.ArchiveInstalmentTermsRequest(terms_id=before.id)
    await visit.change(request, subject=before.id, before=before)
    return See(f"/settings/terms/{before.id}", notice="archived")


def _request(visit: Visit) -> instalments_pb2.CreateInstalmentTermsRequest:
    """The terms as typed. Raises InvalidArgument."""
    currency = visit.currency
    values: dict[str, Any] = {name: names_of(visit.typed(name)) for name in _LISTS}
    values |= {name: fields.minor(visit, name, currency) or None for name in _AMOUNTS}
    values |= {name: fields.basis_points(visit, name) or None for name in _SHARES}
    request = instalments_pb2.CreateInstalmentTermsRequest(
        name=visit.typed("name"),
        currency=currency,
        payments=fields.number(visit, "payments"),
        every=instalments_pb2.Frequency(
            unit=enum_value(instalments_pb2.Frequency.Unit, visit.typed("every_unit")),
            n=fields.number(visit, "every_n"),
        ),
        fees_borne_by=enum_value(instalments_pb2.FeesBorneBy, visit.typed("fees_borne_by")),
        financed_by=enum_value(instalments_pb2.FinancedBy, visit.typed("financed_by")),
        working_days_only=fields.ticked(visit, "working_days_only"),
        grace_days=fields.number(visit, "grace_days"),
        dunning=instalments_pb2.Dunning(
            **{name: fields.days(visit, name) for name in _DAYS},
            default_after=fields.number(visit, "default_after"),
        ),
        **values,
    )
    if visit.typed("partner_account") or visit.typed("partner_method"):
        request.partner.psp_account = visit.typed("partner_account")
        request.partner.method = visit.typed("partner_method")
    return request


def _as_typed(terms: instalments_pb2.InstalmentTerms) -> dict[str, str]:
    """The terms as typed in the form."""
    found = {name: typed(Money(getattr(terms, name), terms.currency)) for name in _AMOUNTS}
    found |= {name: percent_of(getattr(terms, name)) for name in _SHARES}
    found |= {name: ", ".join(getattr(terms, name)) for name in _LISTS}
    found |= {name: ", ".join(map(str, getattr(terms.dunning, name))) for name in _DAYS}
    return found | {
        "name": terms.name,
        "payments": str(terms.payments),
        "every_n": str(terms.every.n),
        "every_unit": enum(terms.every, "unit"),
        "fees_borne_by": enum(terms, "fees_borne_by"),
        "financed_by": enum(terms, "financed_by"),
        "working_days_only": "yes" if terms.working_days_only else "",
        "grace_days": str(terms.grace_days),
        "default_after": str(terms.dunning.default_after),
        "partner_account": terms.partner.psp_account,
        "partner_method": terms.partner.method,
    }


async def _terms(visit: Visit, terms_id: str) -> instalments_pb2.InstalmentTerms:
    wanted = instalments_pb2.GetInstalmentTermsRequest(terms_id=terms_id)
    found: instalments_pb2.InstalmentTerms = (await visit.ask(wanted)).terms
    return found


READS: Final = "instalments.GetInstalmentTerms"
MAKES: Final = (READS, "instalments.CreateInstalmentTerms")
PAGES: Final[tuple[Page, ...]] = (
    get("/settings/terms", listed, AREA, "instalments.ListInstalmentTerms"),
    get(NEW, form, AREA, *MAKES),
    post(NEW, create, AREA, *MAKES, again=form),
    get("/settings/terms/{terms_id}", one, AREA, READS),
    post(
        "/settings/terms/{terms_id}/archive",
        archive,
        AREA,
        READS,
        "instalments.ArchiveInstalmentTerms",
        again=one,
    ),
)
