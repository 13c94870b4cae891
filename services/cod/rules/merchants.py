"""What cash on delivery knows about a merchant. Pure."""

from dataclasses import dataclass

from libs.sellers import Seller


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    country: str
    default_currency: str
    locale: str
    test: bool = False
    logo_id: str | None = None
    primary_colour: str | None = None
    website_url: str | None = None
    reply_to: str | None = None
    seller: Seller | None = None
