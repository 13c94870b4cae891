"""Lists: newest first, page by page, with an opaque cursor. libs/servicer.py makes the `Page` of a
request, `fetch` reads it, and the answer has `rows` and `next_cursor`.

Ids are time-ordered, so a cursor is the last id of the previous page and a list is `WHERE id <
cursor ORDER BY id DESC LIMIT n + 1`. A page also ends before it gets too large for one message: the
server trims every list's answer.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from libs import ids, wire
from libs.db import Conn
from libs.errors import CursorInvalid
from libs.hints import bare, hints_of
from libs.rows import Table

DEFAULT_LIMIT: Final = 20
MAX_BYTES: Final = 1024 * 1024  # per page; gRPC accepts four times as much, and JSON needs more
_FRAME: Final = 8  # tag and length of an element, at most
_END: Final = "~"  # sorts after every id
_OF_A_PAGE: Final = frozenset({"limit", "cursor"})
_RANGES: Final = {
    "created_from": "created_at >= {}",
    "created_to": "created_at < {}",
    "booked_from": "booked_on >= {}",
    "booked_to": "booked_on <= {}",
    "happened_from": "happened_on >= {}",
    "happened_to": "happened_on <= {}",
}


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows: `limit` of them with an id below `before`. Fetch `limit + 1`."""

    limit: int
    before: str


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """The rows of a page, and the cursor of the next one; None on the last."""

    rows: Sequence[T]
    next_cursor: str | None = None


def page_of(*, limit: int, cursor: str, prefix: str) -> Page:
    """`limit` 0 and `cursor` "" are the defaults. Raises CursorInvalid."""
    if not cursor:
        return Page(limit or DEFAULT_LIMIT, f"{prefix}_{_END}")
    try:
        before = base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, UnicodeError) as error:
        raise CursorInvalid from error
    if not ids.is_id(before, prefix):
        raise CursorInvalid
    return Page(limit or DEFAULT_LIMIT, before)


def asked(request: Any, prefix: str) -> Page:
    """The page in a list request, for ids that begin with `prefix`."""
    return page_of(limit=request.limit, cursor=request.cursor, prefix=prefix)


def filters(
    table: Table[Any], request: Descriptor, columns: Mapping[str, str]
) -> Mapping[str, Callable[[Message], object]]:
    """The filters in a list request: conditions for `fetch`.

    A field filters the column with its name, unless `columns` names another. Raises KeyError for an
    unknown column.
    """
    found: dict[str, Callable[[Message], object]] = {}
    kind: Any = table.kind
    hints = hints_of(kind)
    for name, field in request.fields_by_name.items():
        if name not in _OF_A_PAGE:
            sql = condition(name, columns.get(name, name))
            found[sql] = wire.reader(field, bare(hints[sql.split()[0]]) | None)
    return found


def condition(name: str, column: str) -> str:
    """The condition of one filter, for `fetch`."""
    return _RANGES.get(name, f"{column} = {{}}")


async def fetch(
    conn: Conn, table: Table[T], page: Page, conditions: Mapping[str, object]
) -> Listed[T]:
    """`conditions`: SQL with {} for the value; left out if the value is None.

    Each combination of filters thus has its own plan. A state is written as a literal, because it
    decides which index is used.
    """
    values: list[object] = [page.before, page.limit + 1]
    where = ["id < $1"]
    for condition, value in conditions.items():
        if isinstance(value, Enum):
            where.append(condition.format(f"'{value.value}'"))
        elif value is not None:
            values.append(value)
            where.append(condition.format(f"${len(values)}"))
    rows = await table.all(conn, f"WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT $2", *values)
    kept, cursor = cut(rows, page)
    return Listed(kept, cursor or None)


def cut(rows: Sequence[T], page: Page) -> tuple[Sequence[T], str]:
    """The rows of the page and the cursor of the next one; "" on the last."""
    if len(rows) <= page.limit:
        return rows, ""
    kept = rows[: page.limit]
    return kept, _cursor(kept[-1].id)


def fit(answer: M) -> M:
    """Trims a list's answer to MAX_BYTES, but to no less than one element; the cursor continues
    there.
    """
    if not _is_list(answer.DESCRIPTOR) or answer.ByteSize() <= MAX_BYTES:
        return answer
    page: Any = answer
    size = 0
    for count, element in enumerate(page.data):
        size += element.ByteSize() + _FRAME
        if size > MAX_BYTES and count:
            del page.data[count:]
            page.next_cursor = _cursor(page.data[-1].id)
            break
    return answer


@cache
def _is_list(descriptor: Descriptor) -> bool:
    return {"data", "next_cursor"} <= set(descriptor.fields_by_name)


def _cursor(last_id: str) -> str:
    return base64.urlsafe_b64encode(last_id.encode()).decode()
