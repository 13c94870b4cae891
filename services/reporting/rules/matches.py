"""Matches. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from services.reporting.rules.items import ItemKind, Stage
from services.reporting.rules.matching import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An item of ours matched with one of theirs, or with a part of it. `difference_minor`: theirs
    less ours.
    """

    merchant_id: str
    id: str
    stage: Stage
    rule: Rule
    ours_id: str
    theirs_id: str
    kind: ItemKind
    party: str
    currency: str
    amount_minor: int
    difference_minor: int
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    happened_on: date
    matched_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A pair matched by a rule, and its deviations. A positive fee is a cost."""

    ours_id: str
    theirs_id: str
    party: str
    currency: str
    ours_minor: int
    amount_minor: int
    payment_id: str | None
    order_reference: str | None
    trace_id: str
    happened_on: date
    is_late: bool
    fee_minor: int
    fee_expected_minor: int | None
    fee_differs: bool
