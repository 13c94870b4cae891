"""SQL of members and their invitations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs.db import Conn, on_unique_violation
from libs.roles import Role
from libs.rows import Table
from services.merchants.errors import MemberExists
from services.merchants.rules.members import Member

MEMBERS: Final = Table(
    "members",
    Member,
    sql={
        "email": "(SELECT email FROM persons WHERE persons.id = person_id)",
        "name": "(SELECT name FROM persons WHERE persons.id = person_id AND joined_at IS NOT NULL)",
    },
)


@dataclass(frozen=True, slots=True)
class Invited:
    """The open invitation behind a link."""

    merchant_id: str
    merchant_name: str
    email: str
    role: Role
    expires_at: datetime
    has_password: bool


async def insert(conn: Conn, member: Member) -> None:
    """Raises MemberExists."""
    with on_unique_violation(members_person=MemberExists):
        await MEMBERS.add(conn, member)


async def save(conn: Conn, before: Member, after: Member) -> None:
    """Writes the changeable columns of a member locked in this transaction."""
    await MEMBERS.change(
        conn,
        before,
        "state = $3, role = $4, invited_at = $5, invitation_expires_at = $6, times_invited = $7,"
        " joined_at = $8, ended_at = $9",
        after.state,
        after.role,
        after.invited_at,
        after.invitation_expires_at,
        after.times_invited,
        after.joined_at,
        after.ended_at,
    )


async def count_open(conn: Conn, merchant_id: str) -> int:
    return await MEMBERS.count(
        conn, "WHERE merchant_id = $1 AND state IN ('invited', 'active')", merchant_id
    )


async def count_other_owners(conn: Conn, member: Member) -> int:
    """For a locked merchant, so that the number stays valid."""
    return await MEMBERS.count(
        conn,
        "WHERE merchant_id = $1 AND id <> $2 AND role = 'owner' AND state = 'active'",
        member.merchant_id,
        member.id,
    )


async def add_link(conn: Conn, member: Member, token_hash: bytes, now: datetime) -> None:
    await conn.execute(
        "INSERT INTO invitation_links (token_hash, merchant_id, member_id, created_at)"
        " VALUES ($1, $2, $3, $4)",
        token_hash,
        member.merchant_id,
        member.id,
        now,
    )


async def drop_links(conn: Conn, member: Member) -> None:
    await conn.execute(
        "DELETE FROM invitation_links WHERE merchant_id = $1 AND member_id = $2",
        member.merchant_id,
        member.id,
    )


_INVITED: Final = Table(
    "invitation_links AS link"
    " JOIN members ON (members.merchant_id, members.id) = (link.merchant_id, link.member_id)"
    " JOIN persons ON persons.id = person_id JOIN merchants ON merchants.id = link.merchant_id",
    Invited,
    sql={
        "merchant_id": "link.merchant_id",
        "merchant_name": "merchants.name",
        "email": "persons.email",
        "expires_at": "invitation_expires_at",
        "has_password": "password_hash IS NOT NULL",
    },
)


async def find_invited(conn: Conn, token_hash: bytes, now: datetime) -> Invited | None:
    where = "WHERE token_hash = $1 AND state = 'invited' AND invitation_expires_at > $2"
    return await _INVITED.one(conn, where, token_hash, now)


async def lock_by_link(conn: Conn, token_hash: bytes) -> Member | None:
    """The member in any state: using a link again has no effect."""
    where = (
        "WHERE (merchant_id, id) ="
        " (SELECT merchant_id, member_id FROM invitation_links WHERE token_hash = $1)"
        " FOR NO KEY UPDATE"
    )
    return await MEMBERS.one(conn, where, token_hash)
