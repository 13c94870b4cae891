"""Couriers of cash on delivery: what they collect, what they keep, when they remit it."""

from typing import Any, Final

from incasso.cod.v1 import cod_pb2
from incasso.common.v1 import offer_pb2
from libs.errors import invalid
from libs.money import Money
from services.console.areas.settings import fields
from services.console.listing import enum_value, filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import typed
from services.console.rules.fields import percent_of
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "settings_couriers"
STATES: Final = ("active", "archived")
MODES: Final = ("cash", "bank_cheque", "cashiers_cheque", "postal_cheque", "card")
STYLES: Final = ("comma", "point", "minor")
NEW: Final = "/settings/couriers/new"
_USUAL: Final = {
    "mode:cash": "yes",
    "remittance_days": "15",
    "attempts": "2",
    "storage_days": "10",
    "remittance_tolerance_minor": "0.00",
    "manifest_amounts": "comma",
}
_CUT: Final = ("fixed_minor", "minimum_minor", "maximum_minor")
_NUMBERS: Final = ("remittance_days", "attempts", "storage_days")


async def listed(visit: Visit) -> Html:
    found = await rows(visit, cod_pb2.ListCouriersRequest(), "couriers", "state")
    shown = filters(visit, "/settings/couriers", "state", STATES)
    return Html("couriers.html", {**found, "filters": shown})


async def form(visit: Visit) -> Html:
    return _form(None, _USUAL)


async def create(visit: Visit) -> See:
    request = cod_pb2.CreateCourierRequest(terms=_terms(visit, cod_pb2.CourierTerms()))
    answer = await visit.change(request)
    return See(f"/settings/couriers/{answer.courier.id}", notice="created")


async def one(visit: Visit) -> Html:
    """Its terms as a form, and those without a field here."""
    courier = await courier_of(visit)
    return _form(courier, _as_typed(courier))


async def save(visit: Visit) -> See:
    """Existing orders keep their agreed terms."""
    before = await courier_of(visit)
    request = cod_pb2.UpdateCourierRequest(courier_id=before.id, terms=_terms(visit, kept(before)))
    await visit.change(request, subject=before.id, before=before)
    return See(f"/settings/couriers/{before.id}", notice="saved")


async def archive(visit: Visit) -> See:
    before = await courier_of(visit)
    request = cod_pb2.ArchiveCourierRequest(courier_id=before.id)
    await visit.change(request, subject=before.id, before=before)
    return See("/settings/couriers", notice="archived")


def _form(courier: cod_pb2.Courier | None, values: dict[str, str]) -> Html:
    state = enum(courier, "state") if courier is not None else "active"
    shown = {"courier": courier, "values": values, "modes": MODES, "styles": STYLES}
    return Html("courier.html", {**shown, "state": state})


def _terms(visit: Visit, known: cod_pb2.CourierTerms) -> cod_pb2.CourierTerms:
    """The terms as typed, over those without a field. Raises InvalidArgument."""
    currency = visit.currency
    modes = [name for name in MODES if fields.ticked(visit, f"mode:{name}")]
    if not modes:
        raise invalid("modes", visit.word("modes_missing"))
    cut: dict[str, Any] = {name: fields.minor(visit, name, currency) or None for name in _CUT}
    cut["basis_points"] = fields.basis_points(visit, "basis_points")
    numbers: dict[str, Any] = {name: fields.number(visit, name) for name in _NUMBERS}
    terms = cod_pb2.CourierTerms(
        name=visit.typed("name"),
        currency=currency,
        cut=cod_pb2.CourierCut(**cut),
        max_collect_minor=fields.minor(visit, "max_collect_minor", currency) or None,
        manifest_amounts=enum_value(cod_pb2.AmountStyle, visit.typed("manifest_amounts")),
        remittance_tolerance_minor=fields.minor(visit, "remittance_tolerance_minor", currency),
        modes=[_mode(name, known) for name in modes],
        **numbers,
    )
    for name in ("modes", "cut", "max_collect_minor", "remittance_tolerance_minor"):
        known.ClearField(name)
    known.MergeFrom(terms)
    return known


def _mode(name: str, known: cod_pb2.CourierTerms) -> cod_pb2.CourierMode:
    """The mode, with the courier's existing code and limit for it, if any."""
    wanted = enum_value(offer_pb2.CollectionMode, name)
    return next(
        (mode for mode in known.modes if mode.mode == wanted), cod_pb2.CourierMode(mode=wanted)
    )


def kept(courier: cod_pb2.Courier) -> cod_pb2.CourierTerms:
    """All its terms, to be changed in part, since an update replaces all of them."""
    known = courier.HasField
    return cod_pb2.CourierTerms(
        name=courier.name,
        currency=courier.currency,
        cut=courier.cut,
        max_collect_minor=courier.max_collect_minor or None,
        modes=courier.modes,
        manifest_amounts=courier.manifest_amounts,
        zones=courier.zones,
        remittance_days=courier.remittance_days,
        country=courier.country,
        attempts=courier.attempts,
        storage_days=courier.storage_days,
        metadata=courier.metadata,
        remittance_tolerance_minor=courier.remittance_tolerance_minor,
        remittance_columns=courier.remittance_columns if known("remittance_columns") else None,
        manifest_columns=courier.manifest_columns if known("manifest_columns") else None,
        event_columns=courier.event_columns if known("event_columns") else None,
    )


def _as_typed(courier: cod_pb2.Courier) -> dict[str, str]:
    """The terms as typed in the form."""

    def amount(minor: int) -> str:
        return typed(Money(minor, courier.currency)) if minor else ""

    found = {name: amount(getattr(courier.cut, name)) for name in _CUT}
    found |= {name: str(getattr(courier, name)) for name in _NUMBERS}
    found |= {f"mode:{enum(mode, 'mode')}": "yes" for mode in courier.modes}
    return found | {
        "name": courier.name,
        "basis_points": percent_of(courier.cut.basis_points),
        "max_collect_minor": amount(courier.max_collect_minor),
        "manifest_amounts": enum(courier, "manifest_amounts"),
        "remittance_tolerance_minor": amount(courier.remittance_tolerance_minor),
    }


async def courier_of(visit: Visit) -> cod_pb2.Courier:
    wanted = cod_pb2.GetCourierRequest(courier_id=visit.part("courier_id"))
    found: cod_pb2.Courier = (await visit.ask(wanted)).courier
    return found


READS: Final = "cod.GetCourier"
ONE: Final = "/settings/couriers/{courier_id}"
PAGES: Final[tuple[Page, ...]] = (
    get("/settings/couriers", listed, AREA, "cod.ListCouriers"),
    get(NEW, form, AREA, "cod.CreateCourier"),
    post(NEW, create, AREA, "cod.CreateCourier", again=form),
    get(ONE, one, AREA, READS),
    post(ONE, save, AREA, READS, "cod.UpdateCourier", again=one),
    post(f"{ONE}/archive", archive, AREA, READS, "cod.ArchiveCourier", again=one),
)
