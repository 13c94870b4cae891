"""A quote as a person writes it: lines with quantity, price and VAT, and the text to accept. Pure.

Prices include their VAT. Quantities, prices, VAT and validity become part of the text, so that the
evidence of its acceptance covers them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from libs import display
from libs.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """A negative `unit` is a discount. `vat_basis_points`: rate of the VAT in it, 0 if unstated."""

    name: str
    quantity: int
    unit: Money
    vat_basis_points: int

    @property
    def total(self) -> Money:
        return Money(self.quantity * self.unit.amount_minor, self.unit.currency)


@dataclass(frozen=True, slots=True)
class Vat:
    """The VAT in the total at one rate."""

    basis_points: int
    amount: Money


def total(lines: Sequence[Line]) -> Money:
    """The total of at least one line."""
    return Money(sum(line.total.amount_minor for line in lines), lines[0].unit.currency)


def vat(lines: Sequence[Line]) -> list[Vat]:
    """VAT by rate, lowest first; rounded once per rate, half away from zero."""
    gross: dict[int, int] = {}
    for line in lines:
        if line.vat_basis_points:
            gross[line.vat_basis_points] = (
                gross.get(line.vat_basis_points, 0) + line.total.amount_minor
            )
    currency = lines[0].unit.currency
    return [Vat(rate, Money(_share(gross[rate], rate), currency)) for rate in sorted(gross)]


def _share(gross_minor: int, basis_points: int) -> int:
    whole = 10_000 + basis_points
    share = (2 * abs(gross_minor) * basis_points + whole) // (2 * whole)
    return share if gross_minor >= 0 else -share


def text(
    written: str,
    lines: Sequence[Line],
    valid_until: date,
    *,
    words: Mapping[str, str],
    language: str,
) -> str:
    """The text written, then the lines, the total with its VAT, and the last day of validity."""
    listed = [_line(line, words, language) for line in lines]
    sums = [words["text_total"].format(amount=display.amount(total(lines), language))]
    for one in vat(lines):
        amount = display.amount(one.amount, language)
        sums.append(words["text_vat"].format(rate=_rate(one.basis_points, language), amount=amount))
    until = words["text_until"].format(day=display.day(valid_until, language))
    parts = [written.replace("\r\n", "\n").strip(), "\n".join(listed), "\n".join(sums), until]
    return "\n\n".join(part for part in parts if part)


def _line(line: Line, words: Mapping[str, str], language: str) -> str:
    text = words["text_many" if line.quantity > 1 else "text_one"].format(
        name=line.name,
        quantity=line.quantity,
        unit=display.amount(line.unit, language),
        total=display.amount(line.total, language),
    )
    if not line.vat_basis_points:
        return text
    return text + words["text_included"].format(rate=_rate(line.vat_basis_points, language))


def _rate(basis_points: int, language: str) -> str:
    """`22%`, `10.50%`."""
    places = 2 if basis_points % 100 else 0
    return display.percent(Decimal(basis_points) / 100, language, places=places)
