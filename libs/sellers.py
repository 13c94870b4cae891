"""The seller, as the law requires it to be named: what merchants stores, and the line that shoppers see. Pure.

Shoppers must be given its name, address and VAT number (Directive 2000/31/EC, art. 5;
d.lgs. 70/2003, art. 7).
"""

from dataclasses import dataclass
from typing import Protocol


class Named(Protocol):
    """A Seller, or its message."""

    @property
    def legal_name(self) -> str | None: ...

    @property
    def vat_number(self) -> str | None: ...

    @property
    def address(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Seller:
    """`vat_number` has its country's prefix."""

    legal_name: str | None = None
    vat_number: str | None = None
    address: str | None = None


def line(seller: Named, vat_label: str) -> str:
    """`Bottega S.r.l. · Via Roma 1, 20121 Milano · P. IVA IT12345670017`; "" if nothing is known."""
    number = f"{vat_label} {seller.vat_number}" if seller.vat_number else ""
    return " · ".join(filter(None, (seller.legal_name, seller.address, number)))
