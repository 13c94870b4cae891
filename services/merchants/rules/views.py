"""Saved views: how many there are, and who may change one. Pure.

A list shows a member their own views and those that members share: with these limits, few enough
for one answer.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.merchants.errors import TooManyViews, ViewNotFound, ViewOfAnotherMember

MOST_OF_MEMBER: Final = 50
MOST_SHARED: Final = 50  # of a merchant
MANAGES: Final = "members:write"  # the scope for deleting views that others share


@dataclass(frozen=True, slots=True)
class SavedView:
    """`query`: the filters of the list at `path`. `member_name`: who saved it."""

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
    """Numbers of views besides the one being saved: its member's, and all members' shared ones."""

    of_member: int
    shared: int


def check_room(view: SavedView, others: Counted) -> None:
    """Raises TooManyViews."""
    if others.of_member >= MOST_OF_MEMBER:
        raise TooManyViews(f"A member has at most {MOST_OF_MEMBER} views; delete one first.")
    if view.shared and others.shared >= MOST_SHARED:
        raise TooManyViews(f"Members share at most {MOST_SHARED} views; stop sharing one first.")


def check_changes(view: SavedView, member_id: str) -> None:
    """Only the member who saved it may change it. Raises ViewOfAnotherMember, or ViewNotFound if it is
    not shared.
    """
    if view.member_id != member_id:
        raise ViewOfAnotherMember if view.shared else ViewNotFound


def check_deletes(view: SavedView, member_id: str, scopes: AbstractSet[str]) -> None:
    """Shared views may also be deleted by those who manage members: the one who saved it may have
    left. Raises the errors of `check_changes`.
    """
    if not (view.shared and MANAGES in scopes):
        check_changes(view, member_id)
