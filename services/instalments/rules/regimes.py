"""The legal classification of an offer, as dated data: regimes/<country>.toml. Pure.

Numbers, articles and dates are in the files, their meaning is here. None of it is legal advice:
counsel confirms the files before a merchant relies on them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Final

from libs import rates
from libs.money import Money
from libs.rates import NoRateError
from libs.rounding import share
from services.instalments.rules.terms import FinancedBy

FOLDER: Final = Path(__file__).parent.parent / "regimes"


class PlanClass(Enum):
    DEFERRAL = "deferral"  # time to pay granted by the seller: not consumer credit
    CREDIT = "credit"  # consumer credit
    OUT_OF_SCOPE = "out_of_scope"  # a loan outside the scope of consumer credit law


class Ground(Enum):
    """Why an offer has its class."""

    WITHIN_LIMIT = "within_limit"
    FREE_OF_CHARGES = "free_of_charges"
    CHARGES = "charges"
    TOO_LONG = "too_long"
    THIRD_PARTY = "third_party"
    BELOW_FLOOR = "below_floor"
    ABOVE_CEILING = "above_ceiling"
    CHEAP_AND_SHORT = "cheap_and_short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """One version of a country's law. None: it has no such rule."""

    jurisdiction: str
    currency: str
    version: str
    law: str
    applies_from: date
    floor_minor: int | None = None
    ceiling_minor: int
    free_is_deferral: bool = False
    deferral_days: int | None = None
    deferral_days_large: int | None = None
    cheap_days: int | None = None
    cheap_basis_points: int = 0
    warning: bool
    representative_example: bool
    licence_article: str
    withdrawal_days: int
    withdrawal_article: str
    repayment_days: int
    reminder_days: tuple[int, int]
    articles: Mapping[Ground, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The facts of an offer that the law asks about. Without a delivery date, it is the day of
    signing: the earliest, which makes the deferral longest.
    """

    amount: Money
    interest_minor: int
    fees_minor: int  # borne by the shopper
    signed_on: date
    last_due_on: date
    delivered_on: date | None = None
    financed_by: FinancedBy = FinancedBy.OWN
    large_seller: bool = False

    @property
    def cost_minor(self) -> int:
        return self.interest_minor + self.fees_minor

    @property
    def days_from_delivery(self) -> int:
        return (self.last_due_on - (self.delivered_on or self.signed_on)).days


@dataclass(frozen=True, slots=True)
class Classification:
    """`article` is the legal basis, `regime` the version. `licence_article`: by which the seller
    needs a licence; None: needs none, or the partner has it. `warning` and `representative_example`
    accompany every mention of a price.
    """

    plan_class: PlanClass
    ground: Ground
    article: str
    regime: str
    licence_article: str | None
    warning: bool
    representative_example: bool


class NoRegimeError(LookupError):
    """No law is on file for that country on that day."""


def in_force(jurisdiction: str, on: date) -> Regime:
    """A country's law (ISO 3166) on a day. Raises NoRegimeError."""
    found = [r for r in _REGIMES if r.jurisdiction == jurisdiction and r.applies_from <= on]
    if not found:
        raise NoRegimeError(f"{jurisdiction} on {on}")
    return max(found, key=lambda regime: regime.applies_from)


def named(version: str) -> Regime:
    """The version kept by a plan. Raises NoRegimeError."""
    for regime in _REGIMES:
        if regime.version == version:
            return regime
    raise NoRegimeError(version)


def classify(regime: Regime, offered: Offered) -> Classification:
    plan_class, ground = _class(regime, offered)
    credit = plan_class is PlanClass.CREDIT
    lends = credit or offered.cost_minor > 0
    return Classification(
        plan_class=plan_class,
        ground=ground,
        article=regime.articles[ground],
        regime=regime.version,
        licence_article=(
            regime.licence_article
            if lends and offered.financed_by is not FinancedBy.PARTNER
            else None
        ),
        warning=credit and regime.warning,
        representative_example=credit and regime.representative_example,
    )


def _class(regime: Regime, offered: Offered) -> tuple[PlanClass, Ground]:
    for excluded in (_deferral, _by_size, _cheap):
        if found := excluded(regime, offered):
            return found
    if offered.cost_minor > 0:
        return PlanClass.CREDIT, Ground.CHARGES
    if offered.financed_by is not FinancedBy.OWN:
        return PlanClass.CREDIT, Ground.THIRD_PARTY
    return PlanClass.CREDIT, Ground.TOO_LONG


def _deferral(regime: Regime, offered: Offered) -> tuple[PlanClass, Ground] | None:
    """Time to pay without interest and charges."""
    if offered.cost_minor > 0:
        return None
    if regime.free_is_deferral:
        return PlanClass.DEFERRAL, Ground.FREE_OF_CHARGES
    most = regime.deferral_days_large if offered.large_seller else regime.deferral_days
    if most is None or offered.financed_by is not FinancedBy.OWN:
        return None
    within = offered.days_from_delivery <= most
    return (PlanClass.DEFERRAL, Ground.WITHIN_LIMIT) if within else None


def _by_size(regime: Regime, offered: Offered) -> tuple[PlanClass, Ground] | None:
    """Converts other currencies at reference rates; without a rate, neither limit applies."""
    try:
        about = rates.about(offered.amount, regime.currency).amount_minor
    except NoRateError:
        return None
    if regime.floor_minor is not None and about < regime.floor_minor:
        return PlanClass.OUT_OF_SCOPE, Ground.BELOW_FLOOR
    if about > regime.ceiling_minor:
        return PlanClass.OUT_OF_SCOPE, Ground.ABOVE_CEILING
    return None


def _cheap(regime: Regime, offered: Offered) -> tuple[PlanClass, Ground] | None:
    """Repaid soon, with negligible charges."""
    if regime.cheap_days is None or offered.interest_minor > 0:
        return None
    short = (offered.last_due_on - offered.signed_on).days <= regime.cheap_days
    most = share(offered.amount.amount_minor, regime.cheap_basis_points)
    if short and offered.fees_minor <= most:
        return PlanClass.OUT_OF_SCOPE, Ground.CHEAP_AND_SHORT
    return None


def _read(file: Path) -> Sequence[Regime]:
    """All versions of a country. Raises TypeError, KeyError or ValueError for an incomplete
    file.
    """
    with file.open("rb") as opened:
        parsed: dict[str, Any] = tomllib.load(opened)
    return [
        Regime(
            **regime
            | {
                "jurisdiction": file.stem.upper(),
                "currency": parsed["currency"],
                "articles": {Ground(why): text for why, text in regime["articles"].items()},
                "reminder_days": tuple(regime["reminder_days"]),
            }
        )
        for regime in parsed["regimes"]
    ]


_REGIMES: Final = tuple(regime for file in sorted(FOLDER.glob("*.toml")) for regime in _read(file))
JURISDICTIONS: Final = frozenset(regime.jurisdiction for regime in _REGIMES)
