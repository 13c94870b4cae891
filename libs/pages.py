"""Lists: newest first, a page at a time, with an opaque cursor.

Ids are time-ordered, so a cursor is the last id of the page before and a list is
`WHERE id < cursor ORDER BY id DESC LIMIT n + 1`.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from libs import ids
from libs.errors import CursorInvalid

DEFAULT_LIMIT: Final = 20
_END: Final = "~"  # sorts after every id


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows: `limit` of them with an id below `before`. Fetch `limit + 1`."""

    limit: int
    before: str


def page_of(*, limit: int, cursor: str, prefix: str) -> Page:
    """`limit` 0 and `cursor` "" mean that the caller said nothing. Raises CursorInvalid."""
    if not cursor:
        return Page(limit or DEFAULT_LIMIT, f"{prefix}_{_END}")
    try:
        before = base64.urlsafe_b64decode(cursor.encode()).decode()
    except (binascii.Error, UnicodeError) as error:
        raise CursorInvalid from error
    if not ids.is_id(before, prefix):
        raise CursorInvalid
    return Page(limit or DEFAULT_LIMIT, before)


def cut(rows: Sequence[T], page: Page) -> tuple[Sequence[T], str]:
    """The rows of the page and the cursor of the next one; "" on the last."""
    if len(rows) <= page.limit:
        return rows, ""
    kept = rows[: page.limit]
    return kept, base64.urlsafe_b64encode(kept[-1].id.encode()).decode()
