"""SQL of persons, what identifies them, and their failed sign-ins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import ids
from libs.db import Conn, on_unique_violation
from libs.rows import Table
from services.merchants.errors import IdentityMismatch
from services.merchants.rules.attempts import WINDOW, Limit
from services.merchants.rules.sessions import Membership, Person

_PERSONS: Final = Table("persons", Person)
# For whom a verified e-mail address is enough: members, and those with an open invitation.
_MAY_ENTER: Final = """EXISTS (
    SELECT FROM members WHERE person_id = persons.id
        AND (state = 'active' OR state = 'invited' AND invitation_expires_at > $2))"""


@dataclass(frozen=True, slots=True)
class Known:
    """A person, and the hash of their password if they have one."""

    person_id: str
    password_hash: str | None


async def ensure(conn: Conn, email: str, now: datetime) -> str:
    """The id of the person with this address, created if new."""
    found: str = await conn.fetchval(
        "INSERT INTO persons (id, email, created_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (email) DO UPDATE SET email = EXCLUDED.email RETURNING id",
        ids.new("per"),
        email,
        now,
    )
    return found


async def get(conn: Conn, person_id: str) -> Person | None:
    return await _PERSONS.one(conn, "WHERE id = $1", person_id)


async def find_by_email(conn: Conn, email: str) -> Known | None:
    row = await conn.fetchrow("SELECT id, password_hash FROM persons WHERE email = $1", email)
    return None if row is None else Known(row["id"], row["password_hash"])


async def password_of(conn: Conn, person_id: str) -> str | None:
    """Locks the person until the end of a transaction."""
    found: str | None = await conn.fetchval(
        "SELECT password_hash FROM persons WHERE id = $1 FOR NO KEY UPDATE", person_id
    )
    return found


async def set_password(conn: Conn, person_id: str, password_hash: str) -> None:
    await conn.execute(
        "UPDATE persons SET password_hash = $2 WHERE id = $1", person_id, password_hash
    )


async def describe(
    conn: Conn, person_id: str, *, name: str | None, locale: str | None, over: bool
) -> Person | None:
    """Sets what is given; without `over` only what is not known yet."""
    first, second = ("$2", "name") if over else ("name", "$2")
    third, fourth = ("$3", "locale") if over else ("locale", "$3")
    row = await conn.fetchrow(
        f"UPDATE persons SET name = coalesce({first}, {second}),"  # noqa: S608 - made of constants
        f" locale = coalesce({third}, {fourth}) WHERE id = $1 RETURNING {_PERSONS.selected}",
        person_id,
        name,
        locale,
    )
    return None if row is None else _PERSONS.read(row)


async def find_by_identity(conn: Conn, issuer: str, subject: str) -> str | None:
    found: str | None = await conn.fetchval(
        "SELECT person_id FROM person_identities WHERE issuer = $1 AND subject = $2",
        issuer,
        subject,
    )
    return found


async def find_to_bind(conn: Conn, email: str, now: datetime) -> str | None:
    """Locks the person with this address who may enter."""
    found: str | None = await conn.fetchval(
        f"SELECT id FROM persons WHERE email = $1 AND {_MAY_ENTER} FOR NO KEY UPDATE",  # noqa: S608 - made of constants
        email,
        now,
    )
    return found


async def bind(conn: Conn, issuer: str, subject: str, person_id: str, now: datetime) -> None:
    """Raises IdentityMismatch if the person has another identity of this issuer."""
    with on_unique_violation(
        person_identities_person=IdentityMismatch, person_identities_pkey=IdentityMismatch
    ):
        await conn.execute(
            "INSERT INTO person_identities (issuer, subject, person_id, created_at)"
            " VALUES ($1, $2, $3, $4)",
            issuer,
            subject,
            person_id,
            now,
        )


async def may_enter(conn: Conn, person_id: str, now: datetime) -> bool:
    found: bool = await conn.fetchval(
        f"SELECT {_MAY_ENTER} FROM persons WHERE id = $1",  # noqa: S608 - made of constants
        person_id,
        now,
    )
    return found


_MEMBERSHIPS: Final = Table(
    "members JOIN merchants ON merchants.id = members.merchant_id",
    Membership,
    sql={
        "merchant_id": "members.merchant_id",
        "merchant_name": "merchants.name",
        "test": "merchants.test",
        "member_id": "members.id",
    },
)


async def memberships(conn: Conn, person_id: str) -> Sequence[Membership]:
    """The merchants of a person, by name."""
    where = "WHERE person_id = $1 AND state = 'active' ORDER BY merchants.name LIMIT 200"
    return await _MEMBERSHIPS.all(conn, where, person_id)


async def membership(conn: Conn, person_id: str, merchant_id: str) -> Membership | None:
    where = "WHERE person_id = $1 AND members.merchant_id = $2 AND state = 'active'"
    return await _MEMBERSHIPS.one(conn, where, person_id, merchant_id)


# Rows are locked in one order, so that concurrent tries cannot deadlock.
_COUNT: Final = """
WITH counted AS (
    INSERT INTO sign_in_attempts AS known (subject_hash, counted_from, failures)
    SELECT subject, $3::timestamptz, 1
    FROM unnest($1::bytea[]) AS subject ORDER BY subject
    ON CONFLICT (subject_hash) DO UPDATE SET
        failures = CASE WHEN known.counted_from <= $3 - $4::interval THEN 1
            ELSE known.failures + 1 END,
        counted_from = CASE WHEN known.counted_from <= $3 - $4::interval THEN $3
            ELSE known.counted_from END
    RETURNING subject_hash, failures
)
SELECT bool_and(failures <= most) FROM counted
JOIN unnest($1::bytea[], $2::int[]) AS allowed (subject_hash, most) USING (subject_hash)"""


async def count_try(conn: Conn, limits: Sequence[Limit], now: datetime) -> bool:
    """Counts a try as failed; returns whether all limits allow it."""
    hashes, most = [limit.subject_hash for limit in limits], [limit.most for limit in limits]
    allowed: bool = await conn.fetchval(_COUNT, hashes, most, now, WINDOW)
    return allowed


async def forget_failures(conn: Conn, limits: Sequence[Limit]) -> None:
    """After a success: all failures of the e-mail address, and this try of the network."""
    await conn.execute(
        "UPDATE sign_in_attempts"
        " SET failures = CASE WHEN subject_hash = $1 THEN 0 ELSE greatest(failures - 1, 0) END"
        " WHERE subject_hash = ANY($2)",
        limits[0].subject_hash,
        [limit.subject_hash for limit in limits],
    )
