"""Dataclasses made from others: a resource from a request, or a resource after a change.

A change has the fields that may change; None means no change.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar, cast

from libs.hints import bare, hints_of

T = TypeVar("T")


def copy_as(kind: Callable[..., T], of: Any, **given: Any) -> T:
    """A dataclass from the fields that both have; the others are passed in."""
    both = {field.name for field in fields(of)} & {field.name for field in fields(cast(Any, kind))}
    return kind(**{name: getattr(of, name) for name in both if name not in given}, **given)


def patched(of: T, by: Any) -> T:
    """A copy with the fields that are set. An empty text clears an optional field."""
    kind: Any = of.__class__
    hints = hints_of(kind)
    given = {field.name: getattr(by, field.name) for field in fields(by) if field.name in hints}
    new = {
        name: None if value == "" and hints[name] is not bare(hints[name]) else value
        for name, value in given.items()
        if value is not None
    }
    return cast(T, replace(cast(Any, of), **new))
