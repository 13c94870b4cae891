"""Lists: their filters as links, and enums of the contracts by the names that the API shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from libs import json_values
from services.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to the list with another filter; `name` is "" for all."""

    name: str
    path: str
    chosen: bool


def filters(
    visit: Visit, path: str, parameter: str, names: Sequence[str], *kept: str
) -> list[Choice]:
    """One per name, and all; the parameters `kept` stay as they are."""
    chosen = visit.asked(parameter)
    rest = {name: visit.asked(name) for name in kept if visit.asked(name)}
    return [
        Choice(
            name, with_query(path, {**rest, **({parameter: name} if name else {})}), name == chosen
        )
        for name in ("", *names)
    ]


def with_query(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def enum_value(enum: Any, name: str) -> Any:
    """The number of an enum's value, by the name that the API shows; None for others."""
    names = json_values.enum_names(enum.DESCRIPTOR)
    return next((number for number, known in names.items() if number and known == name), None)
