"""Age of the money that a courier has collected and not passed on. Pure."""

from dataclasses import dataclass
from typing import Final

WEEK: Final = 7  # last day of each age group, counted from collection
FORTNIGHT: Final = 15
MONTH: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """The money of one courier in one currency; `overdue_minor` and `short_minor` are parts of
    `open_minor`.
    """

    courier_id: str
    courier: str
    currency: str
    parcels: int
    open_minor: int
    days_0_to_7_minor: int
    days_8_to_15_minor: int
    days_16_to_30_minor: int
    days_over_30_minor: int
    overdue_minor: int
    short_minor: int
