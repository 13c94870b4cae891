"""Quotes: terms applied to an order, with a price held for a while. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from libs.money import Money
from services.instalments.rules.offers import Priced

VALID_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """`offer`: the InstalmentOffer as shown, a protobuf message."""

    merchant_id: str
    id: str
    terms_id: str
    order_reference: str
    amount: Money
    locale: str
    delivered_on: date | None
    priced: Priced
    offer: bytes
    expires_at: datetime
    created_at: datetime
