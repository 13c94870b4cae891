"""The trail of a payment's money, from the PSP's line to the bank's. Pure."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from services.reporting.rules.exceptions import ExceptionType
from services.reporting.rules.matching import Rule


class TrailKind(Enum):
    PSP_LINE = "psp_line"
    PAYOUT = "payout"
    BANK_LINE = "bank_line"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailStep:
    """`follows_id`: the previous step or journal entry. A positive fee is a cost. `open`: whether an
    exception is still open.
    """

    kind: TrailKind
    id: str
    follows_id: str
    happened_on: date
    amount_minor: int
    fee_minor: int | None
    currency: str
    party: str
    reference: str | None
    import_id: str | None
    rule: Rule | None
    exception_type: ExceptionType | None
    open: bool
    trace_id: str
