"""The lines of an order paid by a plan, and returns of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs.errors import invalid


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order, as bought. `returned`: how many of it were returned."""

    name: str
    quantity: int
    unit_amount_minor: int  # negative for a discount
    returned: int = 0


@dataclass(frozen=True, slots=True)
class Returned:
    """`line`: its position in the order, from 0."""

    line: int
    quantity: int


def check_sum(lines: Sequence[Line], amount_minor: int) -> None:
    """Raises InvalidArgument unless the lines sum to the price, or there are none."""
    if lines and sum(line.quantity * line.unit_amount_minor for line in lines) != amount_minor:
        raise invalid("items", f"must sum to {amount_minor}, the quoted price")


def amount_of(lines: Sequence[Line], returned: Sequence[Returned], *, left_minor: int) -> int:
    """The price of the returned items. `left_minor`: the rest of the price.

    Raises InvalidArgument, which names the line.
    """
    if not returned:
        raise invalid("items", "must have at least one element")
    amount_minor = 0
    for index, each in enumerate(returned):
        if not 0 <= each.line < len(lines):
            raise invalid(f"items.{index}.line", "is not a line of the order")
        if each.line in [other.line for other in returned[:index]]:
            raise invalid(f"items.{index}.line", "is a duplicate")
        left = lines[each.line].quantity - lines[each.line].returned
        if not 1 <= each.quantity <= left:
            most = f"1 to {left}" if left > 0 else "of a line that has not come back"
            raise invalid(f"items.{index}.quantity", f"must be {most}")
        amount_minor += each.quantity * lines[each.line].unit_amount_minor
    if amount_minor < 1:
        raise invalid("items", "must cost more than 0")
    if amount_minor > left_minor:
        raise invalid("items", f"must cost at most {left_minor}, the rest of the price")
    return amount_minor


def without(lines: Sequence[Line], returned: Sequence[Returned]) -> tuple[Line, ...]:
    """The order after the return."""
    back = {each.line: each.quantity for each in returned}
    return tuple(
        replace(line, returned=line.returned + back.get(index, 0))
        for index, line in enumerate(lines)
    )
