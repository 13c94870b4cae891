"""JSON text into plain values: strictly, since this is money, and at a cost limited by its size.

No repeated names, no NaN, no endless numbers, no excessive depth. Independent of message types.
"""

import json
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from libs.text import spelt_out
from services.gateway.errors import EncodingInvalid, JsonMalformed

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 20_000
MAX_DIGITS: Final = 40  # of a whole number; its field refuses anything beyond 16
_TOO_DEEP: Final = f"The body is nested too deeply: more than {MAX_DEPTH} levels."


def parse(body: bytes) -> Any:
    """JSON text of any shape. Raises EncodingInvalid and JsonMalformed."""
    _check_values(body)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise EncodingInvalid from None
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=_integer, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        message = f"The body is not valid JSON: {error.msg} (line {error.lineno})."
        raise JsonMalformed(message) from None
    except RecursionError:
        raise JsonMalformed(_TOO_DEEP) from None
    _check_depth(value)
    return value


def _check_values(body: bytes) -> None:
    """Runs before parsing: too many values take long to build, and no valid request has them."""
    if _separators(body) <= MAX_VALUES:
        return
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # now each quote begins or ends a text
    texts = plain.count(b'"') // 2
    # A value accounts for at most two texts: itself and its name.
    if texts > 2 * MAX_VALUES or _separators(b"".join(plain.split(b'"')[::2])) > MAX_VALUES:
        raise JsonMalformed(f"The body has more than {MAX_VALUES} values.")


def _separators(text: bytes) -> int:
    """Each value except the first of a list or object follows a comma."""
    return sum(map(text.count, (b",", b"[", b"{")))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise JsonMalformed(f"The body has the name {_twice(pairs)} twice in one object.")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise JsonMalformed(f"The body has a number of more than {MAX_DIGITS} digits.")
    return int(digits)


def _twice(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return spelt_out(name)
        seen.add(name)
    raise AssertionError("no name is there twice")


def _refuse_constant(name: str) -> NoReturn:
    raise JsonMalformed(f"The body contains {name}, which is not valid JSON.")


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
