"""SQL of saved views."""

from collections.abc import Sequence
from typing import Final

from libs.db import Conn, on_unique_violation
from libs.rows import Table
from services.merchants.errors import ViewExists
from services.merchants.rules.views import Counted, SavedView

VIEWS: Final = Table(
    "saved_views",
    SavedView,
    sql={
        "member_name": "(SELECT persons.name FROM members JOIN persons ON persons.id = person_id"
        " WHERE (members.merchant_id, members.id) = (saved_views.merchant_id, member_id))",
    },
)


async def lock_named(conn: Conn, like: SavedView) -> SavedView | None:
    """The member's view with the same name on the same list."""
    where = (
        "WHERE merchant_id = $1 AND member_id = $2 AND path = $3 AND name = $4 FOR NO KEY UPDATE"
    )
    return await VIEWS.one(conn, where, like.merchant_id, like.member_id, like.path, like.name)


async def count_others(conn: Conn, view: SavedView) -> Counted:
    """For a locked merchant, so that the numbers stay valid."""
    row = await conn.fetchrow(
        "SELECT count(*) FILTER (WHERE member_id = $3) AS of_member,"
        " count(*) FILTER (WHERE shared) AS shared FROM saved_views"
        " WHERE merchant_id = $1 AND id <> $2 AND (member_id = $3 OR shared)",
        view.merchant_id,
        view.id,
        view.member_id,
    )
    assert row is not None
    return Counted(row["of_member"], row["shared"])


async def insert(conn: Conn, view: SavedView) -> None:
    await VIEWS.add(conn, view)


async def save(conn: Conn, view: SavedView) -> None:
    """Writes the changeable columns. Raises ViewExists."""
    with on_unique_violation(saved_views_name=ViewExists):
        await VIEWS.change(
            conn,
            view,
            "name = $3, query = $4, shared = $5, changed_at = $6",
            view.name,
            view.query,
            view.shared,
            view.changed_at,
        )


async def list_visible(
    conn: Conn, merchant_id: str, member_id: str, path: str | None
) -> Sequence[SavedView]:
    """By name; their number is limited."""
    where = (
        "WHERE merchant_id = $1 AND (member_id = $2 OR shared)"
        " AND ($3::text IS NULL OR path = $3) ORDER BY lower(name), id"
    )
    return await VIEWS.all(conn, where, merchant_id, member_id, path)


async def delete(conn: Conn, view: SavedView) -> None:
    await conn.execute(
        "DELETE FROM saved_views WHERE merchant_id = $1 AND id = $2", view.merchant_id, view.id
    )


async def delete_private(conn: Conn, merchant_id: str, member_id: str) -> None:
    """Deletes the views that only this member sees."""
    await conn.execute(
        "DELETE FROM saved_views WHERE merchant_id = $1 AND member_id = $2 AND NOT shared",
        merchant_id,
        member_id,
    )
