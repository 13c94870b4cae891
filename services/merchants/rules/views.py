"""Saved views: how many there are, and who may change one. Pure.

A list shows a member at most as many views as they have themselves and all members share together:
few enough for one answer.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.merchants.errors import TooManyViews, ViewNotFound, ViewOfAnotherMember

MOST_OF_MEMBER: Final = 50
MOST_SHARED: Final = 50  # of a merchant
MANAGES: Final = "members:write"  # the scope of whoever may delete what others share


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query`: the filters of the list at `path`. `member_name`: of who saved it."""

    merchant_id: str
    id: str
    member_id: str
    path: str
    name: str
    query: str
    shared: bool
    created_at: datetime
    changed_at: datetime
    member_name: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Views beside the one that is saved: of its member, and those that all members share."""

    of_member: int
    shared: int


def check_room(view: SavedView, others: Counted) -> None:
    """Raises TooManyViews."""
    if others.of_member >= MOST_OF_MEMBER:
        raise TooManyViews(f"A member has at most {MOST_OF_MEMBER} views; delete one first.")
    if view.shared and others.shared >= MOST_SHARED:
        raise TooManyViews(f"Members share at most {MOST_SHARED} views; stop sharing one first.")


def check_changes(view: SavedView, member_id: str) -> None:
    """Only its own member changes it. Raises ViewOfAnotherMember, or ViewNotFound for what others do
    not see.
    """
    if view.member_id != member_id:
        raise ViewOfAnotherMember if view.shared else ViewNotFound


def check_deletes(view: SavedView, member_id: str, scopes: AbstractSet[str]) -> None:
    """What is shared is also deleted by whoever manages members: its own may have left. Raises as
    `check_changes`.
    """
    if not (view.shared and MANAGES in scopes):
        check_changes(view, member_id)
