"""The contents of an account statement. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

PLACES = {"JPY": 0, "KRW": 0, "KWD": 3, "TND": 3}


@dataclass(frozen=True, slots=True)
class Payment:
    """Signed like its booking: positive is money in. Blank if unknown."""

    amount_minor: int
    name: str = ""
    iban: str = ""
    end_to_end: str = ""
    reference: str = ""  # RF
    text: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """One payment, or a batch of them that sum up to it."""

    payments: tuple[Payment, ...]
    booked_on: date
    value_on: date
    bank_reference: str = ""
    is_pending: bool = False
    is_reversal: bool = False

    @property
    def amount_minor(self) -> int:
        return sum(payment.amount_minor for payment in self.payments)


@dataclass(frozen=True, slots=True)
class Statement:
    """Closes with its opening balance plus everything booked."""

    id: str
    number: int
    iban: str
    currency: str
    opening_minor: int
    opened_on: date
    closed_on: date
    made_at: datetime
    bookings: Iterable[Booking]

    @property
    def places(self) -> int:
        return PLACES.get(self.currency, 2)


def decimal(amount_minor: int, places: int) -> str:
    """Without sign, with a decimal point."""
    digits = str(abs(amount_minor)).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
