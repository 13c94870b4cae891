"""Couriers and their terms. Pure.

cuts.py computes the cut, zones.py decides where a courier collects, columns.py describes its files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from typing import Final

from libs import working_days
from libs.dataclass_copies import copy_as
from libs.errors import invalid
from libs.money import is_currency
from libs.sheets.cells import AmountStyle
from services.cod.errors import CourierArchived, TooManyCouriers
from services.cod.rules import columns, zones
from services.cod.rules.columns import EventColumns, ManifestColumns, RemittanceColumns
from services.cod.rules.cuts import Cut
from services.cod.rules.zones import Zone

MOST_ACTIVE: Final = 50  # per merchant: an offer compares them all
REMITTANCE_DAYS: Final = 15  # working days, by default
ATTEMPTS: Final = 2
STORAGE_DAYS: Final = 10
COUNTRY: Final = "IT"


class CourierState(Enum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class CourierEvent(Enum):
    ARCHIVE = "archive"


COURIER_INITIAL: Final = CourierState.ACTIVE
COURIER_FINAL: Final = frozenset({CourierState.ARCHIVED})
COURIER_TRANSITIONS: Final[Mapping[tuple[CourierState, CourierEvent], CourierState]] = {
    (CourierState.ACTIVE, CourierEvent.ARCHIVE): CourierState.ARCHIVED,
}


class CollectionMode(Enum):
    CASH = "cash"
    BANK_CHEQUE = "bank_cheque"
    CASHIERS_CHEQUE = "cashiers_cheque"
    POSTAL_CHEQUE = "postal_cheque"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Mode:
    """A means of payment and the courier's code for it; one `code` may be empty."""

    mode: CollectionMode
    code: str = ""
    max_collect_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierTerms:
    """None if the merchant has not set it. Amounts are in minor units of `currency`."""

    name: str
    currency: str
    cut: Cut
    max_collect_minor: int | None = None
    modes: tuple[Mode, ...]
    manifest_amounts: AmountStyle = AmountStyle.COMMA
    zones: tuple[Zone, ...] = ()
    remittance_days: int | None = None
    country: str | None = None
    attempts: int | None = None
    storage_days: int | None = None
    manifest_columns: ManifestColumns | None = None
    event_columns: EventColumns | None = None
    remittance_columns: RemittanceColumns | None = None
    remittance_tolerance_minor: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """`remittance_days`: working days of `country` within which collected money is passed on.
    `remittance_tolerance_minor`: difference that needs no attention.
    """

    id: str
    merchant_id: str
    state: CourierState = COURIER_INITIAL
    name: str
    currency: str
    cut: Cut
    max_collect_minor: int | None
    modes: tuple[Mode, ...]
    manifest_amounts: AmountStyle
    zones: tuple[Zone, ...]
    remittance_days: int
    country: str
    attempts: int
    storage_days: int
    manifest_columns: ManifestColumns | None
    event_columns: EventColumns | None
    remittance_columns: RemittanceColumns | None
    remittance_tolerance_minor: int
    metadata: Mapping[str, str]
    created_at: datetime

    def code_of(self, mode: CollectionMode) -> str:
        """The courier's code for it. Raises KeyError if it does not accept the mode."""
        return {each.mode: each.code for each in self.modes}[mode]

    def mode_of(self, code: str) -> CollectionMode:
        """The mode with this code. Raises KeyError for an unknown code."""
        return {each.code: each.mode for each in self.modes}[code]

    def remitted_by(self, collected_on: date) -> date:
        """The day by which the courier has to pass on what it collected."""
        return working_days.working_days_later(collected_on, self.remittance_days, self.country)


def on_terms(
    terms: CourierTerms, *, courier_id: str, merchant_id: str, created_at: datetime
) -> Courier:
    """A courier with defaults for terms that are not set. Raises InvalidArgument."""
    storage = STORAGE_DAYS if terms.storage_days is None else terms.storage_days
    return _checked(
        copy_as(
            Courier,
            terms,
            id=courier_id,
            merchant_id=merchant_id,
            remittance_days=terms.remittance_days or REMITTANCE_DAYS,
            remittance_tolerance_minor=terms.remittance_tolerance_minor or 0,
            country=terms.country or COUNTRY,
            attempts=terms.attempts or ATTEMPTS,
            storage_days=storage,
            zones=zones.checked(terms.zones, "terms.zones"),
            created_at=created_at,
        )
    )


def replaced(courier: Courier, terms: CourierTerms) -> Courier:
    """The courier with new terms from now on. Raises CourierArchived, InvalidArgument."""
    if courier.state is CourierState.ARCHIVED:
        raise CourierArchived
    return on_terms(
        terms,
        courier_id=courier.id,
        merchant_id=courier.merchant_id,
        created_at=courier.created_at,
    )


def archived(courier: Courier) -> Courier:
    """Archiving again changes nothing."""
    if courier.state is CourierState.ARCHIVED:
        return courier
    return replace(courier, state=COURIER_TRANSITIONS[courier.state, CourierEvent.ARCHIVE])


def room_for_courier(active: int) -> None:
    """Raises TooManyCouriers if `active` has reached the maximum."""
    if active >= MOST_ACTIVE:
        raise TooManyCouriers


def _checked(courier: Courier) -> Courier:
    if not is_currency(courier.currency):
        raise invalid("terms.currency", "must be an ISO 4217 code such as EUR")
    _check_cut(courier.cut)
    _check_modes(courier.modes)
    if courier.manifest_columns is not None:
        columns.check_manifests(courier.manifest_columns)
    if courier.event_columns is not None:
        columns.check_events(courier.event_columns)
    if courier.remittance_columns is not None:
        columns.check_remittances(courier.remittance_columns)
    return courier


def _check_cut(cut: Cut) -> None:
    if cut.maximum_minor is not None and cut.maximum_minor < cut.minimum_minor:
        raise invalid("terms.cut.maximum_minor", "must be at least minimum_minor")


def _check_modes(modes: Sequence[Mode]) -> None:
    """Checks that each mode occurs once, with its own code, so that a code identifies the mode."""
    if not modes:
        raise invalid("terms.modes", "is required")
    for index, each in enumerate(modes):
        before = modes[:index]
        if any(each.mode is other.mode for other in before):
            raise invalid(f"terms.modes.{index}.mode", "is a duplicate")
        if any(each.code == other.code for other in before):
            raise invalid(f"terms.modes.{index}.code", "already stands for another mode")
