"""Tolerance and terms of a PSP account or courier. Pure."""

from dataclasses import dataclass
from datetime import datetime

from libs.errors import invalid
from services.reporting.rules.matching import DEFAULT_LATE_AFTER_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    merchant_id: str
    party: str
    tolerance_minor: int
    late_after_days: int
    fee_basis_points: int | None
    fee_fixed_minor: int | None
    acquirer: str | None
    tax_code: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    party: str
    tolerance_minor: int
    late_after_days: int | None = None
    fee_basis_points: int | None = None
    fee_fixed_minor: int | None = None
    acquirer: str | None = None
    tax_code: str | None = None


def of_terms(terms: Terms, merchant_id: str, now: datetime) -> Source:
    """Raises InvalidArgument."""
    if (terms.fee_basis_points is None) != (terms.fee_fixed_minor is None):
        missing = "fee_fixed_minor" if terms.fee_fixed_minor is None else "fee_basis_points"
        raise invalid(missing, "set both parts of the fee, or neither")
    return Source(
        merchant_id=merchant_id,
        party=terms.party,
        tolerance_minor=terms.tolerance_minor,
        late_after_days=terms.late_after_days or DEFAULT_LATE_AFTER_DAYS,
        fee_basis_points=terms.fee_basis_points,
        fee_fixed_minor=terms.fee_fixed_minor,
        acquirer=terms.acquirer,
        tax_code=terms.tax_code,
        updated_at=now,
    )
