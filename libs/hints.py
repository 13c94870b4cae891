"""Reads the types of a dataclass's fields, for rows (libs/rows.py) and messages (libs/wire.py)."""

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

_UNIONS: Final = (Union, UnionType)


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """The type of each field by name, in order."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def bare(hint: Any) -> Any:
    """`X` for `X | None`, and for X."""
    if get_origin(hint) in _UNIONS:
        return next(arg for arg in get_args(hint) if arg is not type(None))
    return hint


def element_of(hint: Any) -> Any:
    """`X` for a tuple or other sequence of X; None if it is neither."""
    origin = get_origin(hint)
    is_sequence = isinstance(origin, type) and issubclass(origin, Sequence)
    return get_args(hint)[0] if is_sequence else None
