"""What cash on delivery knows of a merchant. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    country: str
    default_currency: str
    locale: str
