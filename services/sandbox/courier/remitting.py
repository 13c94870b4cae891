"""What a courier pays out and what it reports about it, with the requested mistakes. Pure.

The books keep what was really paid; the file is what the merchant reads.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from services.sandbox import errors, orders
from services.sandbox.courier.parcels import Parcel

MOST_OF_A_KIND: Final = 100
WHOLE: Final = 10_000  # basis points
FIELDS: Final = frozenset({"dialect", "cut", "errors", "on"})
CUT_FIELDS: Final = frozenset({"basis_points", "fixed_minor", "minimum_minor"})
ERRORS: Final = frozenset({"short_minor", "cut_minor", "unknown", "duplicate", "returned", "split"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a remittance file. `collected_minor` = cut + remitted, unless it is short."""

    tracking_number: str
    reference: str
    outcome: str
    collected_minor: int
    cut_minor: int
    remitted_minor: int


@dataclass(frozen=True, slots=True)
class Order:
    """A requested remittance. `short_minor` and `excess_minor`: the excess that the courier keeps
    from the first parcel, silently or as part of its cut. The others count lines: for unknown
    parcels, repeated, for returned parcels; `split`: how many of the last parcels get two lines.
    """

    basis_points: int
    fixed_minor: int
    minimum_minor: int
    short_minor: int
    excess_minor: int
    unknown: int
    duplicate: int
    returned: int
    split: int


def parse(body: dict[str, Any]) -> Order:
    cut, wrong = _part(body, "cut", CUT_FIELDS), _part(body, "errors", ERRORS)
    return Order(
        basis_points=_number(cut, "basis_points", WHOLE),
        fixed_minor=_number(cut, "fixed_minor", orders.MAX_AMOUNT_MINOR),
        minimum_minor=_number(cut, "minimum_minor", orders.MAX_AMOUNT_MINOR),
        short_minor=_number(wrong, "short_minor", orders.MAX_AMOUNT_MINOR),
        excess_minor=_number(wrong, "cut_minor", orders.MAX_AMOUNT_MINOR),
        unknown=_number(wrong, "unknown", MOST_OF_A_KIND),
        duplicate=_number(wrong, "duplicate", MOST_OF_A_KIND),
        returned=_number(wrong, "returned", MOST_OF_A_KIND),
        split=_number(wrong, "split", MOST_OF_A_KIND),
    )


def _part(body: dict[str, Any], name: str, fields: frozenset[str]) -> dict[str, Any]:
    part = body.get(name, {})
    if not isinstance(part, dict):
        raise errors.InvalidRequestError("an object", field=name)
    orders.only(part, fields)
    return part


def _number(part: dict[str, Any], name: str, most: int) -> int:
    return orders.integer(part, name, least=0, most=most) if name in part else 0


def lines(order: Order, collected: list[Parcel], returned: list[Parcel]) -> list[Line]:
    """Everything collected and not paid out yet, plus the requested mistakes."""
    found = [_paid(order, parcel) for parcel in collected]
    if found:
        found[0] = _kept_too_much(found[0], order)
    twice = found[: order.duplicate]
    whole = max(len(found) - order.split, 0)
    found = found[:whole] + [half for line in found[whole:] for half in _halves(line)] + twice
    found += [
        replace(_paid(order, parcel), outcome="RESO") for parcel in returned[: order.returned]
    ]
    return found + [
        Line(f"SCONOSCIUTO{number}", "", "CONSEGNATO", 10_00, 0, 10_00)
        for number in range(1, order.unknown + 1)
    ]


def _halves(line: Line) -> tuple[Line, Line]:
    cut, remitted = line.cut_minor // 2, line.remitted_minor // 2
    missing = (line.collected_minor - line.cut_minor - line.remitted_minor) // 2
    first = replace(
        line,
        collected_minor=cut + remitted + missing,
        cut_minor=cut,
        remitted_minor=remitted,
    )
    return first, replace(
        line,
        collected_minor=line.collected_minor - first.collected_minor,
        cut_minor=line.cut_minor - first.cut_minor,
        remitted_minor=line.remitted_minor - first.remitted_minor,
    )


def _paid(order: Order, parcel: Parcel) -> Line:
    amount = parcel.collected_minor or parcel.amount_minor
    share = (amount * order.basis_points + WHOLE // 2) // WHOLE
    cut = min(max(share + order.fixed_minor, order.minimum_minor), amount)
    return Line(parcel.tracking_number, parcel.reference, "CONSEGNATO", amount, cut, amount - cut)


def _kept_too_much(line: Line, order: Order) -> Line:
    excess = min(order.excess_minor, line.remitted_minor)
    short = min(order.short_minor, line.remitted_minor - excess)
    return replace(
        line,
        cut_minor=line.cut_minor + excess,
        remitted_minor=line.remitted_minor - excess - short,
    )
