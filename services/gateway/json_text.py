"""JSON text into plain values: strictly, since this is money, and at a cost that its size bounds.

No repeated names, no NaN, no endless numbers, no depth that no request has. Knows no message.
"""

import json
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from services.gateway.errors import EncodingInvalid, JsonMalformed

MAX_DEPTH: Final = 32
MAX_NAMES: Final = 10_000  # of all objects together
_TOO_DEEP: Final = f"The body is nested too deeply: more than {MAX_DEPTH} levels."


def parse(body: bytes) -> Any:
    """JSON text of any shape. Raises EncodingInvalid and JsonMalformed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise EncodingInvalid from None
    try:
        value = json.loads(text, object_pairs_hook=_Objects().read, parse_constant=_refuse_constant)
    except JsonMalformed:
        raise
    except json.JSONDecodeError as error:
        message = f"The body is not valid JSON: {error.msg} at line {error.lineno}."
        raise JsonMalformed(message) from None
    except RecursionError:
        raise JsonMalformed(_TOO_DEEP) from None
    except ValueError:  # Python refuses whole numbers of thousands of digits
        raise JsonMalformed("The body has a number that is too long.") from None
    _check_depth(value)
    return value


class _Objects:
    """Makes the objects of one body."""

    def __init__(self) -> None:
        self._names = 0

    def read(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._names += len(pairs)
        if self._names > MAX_NAMES:
            raise JsonMalformed(f"The body has more than {MAX_NAMES} names.")
        found = dict(pairs)
        if len(found) != len(pairs):
            raise JsonMalformed(f"The body has the name {_twice(pairs)} twice in one object.")
        return found


def _twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name[:100].encode("ascii", "backslashreplace").decode()[:100]
        seen.add(name)
    raise AssertionError("no name is there twice")


def _refuse_constant(name: str) -> NoReturn:
    raise JsonMalformed(f"The body has {name}, which JSON does not know.")


def _check_depth(value: Any) -> None:
    level = _holders([value])
    for _ in range(MAX_DEPTH):
        level = _holders(
            item
            for holder in level
            for item in (holder.values() if isinstance(holder, dict) else holder)
        )
        if not level:
            return
    raise JsonMalformed(_TOO_DEEP)


def _holders(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]
