"""Fields of longer forms: percentages, amounts and lists, each refused by name if it cannot be read."""

from libs.errors import invalid
from services.console.rules import fields, lists
from services.console.visit import Visit


def basis_points(visit: Visit, name: str) -> int:
    """Basis points of a percentage. Raises InvalidArgument."""
    found = fields.basis_points_of(visit.typed(name))
    if found is None:
        raise invalid(name, visit.word("percent_unreadable"))
    return found


def minor(visit: Visit, name: str, currency: str) -> int:
    """Minor units of an amount, 0 if the field is empty. Raises InvalidArgument."""
    found = fields.minor_of(visit.typed(name), currency)
    if found is None:
        raise invalid(name, visit.word("amount_unreadable"))
    return found


def number(visit: Visit, name: str) -> int:
    """A whole number, 0 if the field is empty. Raises InvalidArgument."""
    text = visit.typed(name)
    if text and not (text.isascii() and text.isdigit()):
        raise invalid(name, visit.word("number_unreadable"))
    return visit.number(name)


def days(visit: Visit, name: str) -> list[int]:
    """Several whole numbers. Raises InvalidArgument."""
    found = lists.numbers_of(visit.typed(name))
    if found is None:
        raise invalid(name, visit.word("number_unreadable"))
    return found


def ticked(visit: Visit, name: str) -> bool:
    return visit.typed(name) == "yes"
