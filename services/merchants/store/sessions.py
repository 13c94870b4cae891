"""SQL of sessions and their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs.db import Conn
from libs.rows import Table
from services.merchants.rules import sessions as rules
from services.merchants.rules.sessions import Membership, Person, Session

_SESSIONS: Final = Table("sessions", Session)
_OPEN: Final = "ended_at IS NULL AND expires_at > $2"


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A session with its person, and the membership of the selected merchant if it still exists.
    `rotated`: the new token passed with the call was stored.
    """

    session: Session
    person: Person
    membership: Membership | None
    clock_offset: timedelta
    rotated: bool


async def insert(conn: Conn, session: Session, token_hash: bytes) -> None:
    """Also ends the person's oldest sessions beyond the limit."""
    await _SESSIONS.add(conn, session)
    await add_token(conn, session, token_hash, session.created_at)
    await conn.execute(
        "UPDATE sessions SET ended_at = $2 WHERE person_id = $1 AND ended_at IS NULL AND id IN"
        " (SELECT id FROM sessions WHERE person_id = $1 AND ended_at IS NULL"
        " AND expires_at > $2 ORDER BY id DESC OFFSET $3)",
        session.person_id,
        session.created_at,
        rules.MOST_SESSIONS,
    )


async def add_token(conn: Conn, session: Session, token_hash: bytes, now: datetime) -> None:
    await conn.execute(
        "INSERT INTO session_tokens (token_hash, person_id, session_id, created_at)"
        " VALUES ($1, $2, $3, $4)",
        token_hash,
        session.person_id,
        session.id,
        now,
    )


async def supersede(conn: Conn, session: Session, token_hash: bytes, now: datetime) -> None:
    """Ends all other tokens of the session after the overlap."""
    await conn.execute(
        "UPDATE session_tokens SET valid_until = least(valid_until, $4)"
        " WHERE person_id = $1 AND session_id = $2 AND token_hash <> $3",
        session.person_id,
        session.id,
        token_hash,
        now + rules.OVERLAP,
    )


# $1 hash of the token, $2 now, $3 hash of a new token, $4 when the session ends unless used; $5 the
# use is written if the last one was earlier; tokens older than $6 are replaced unless another was
# issued after $7; $8 until when the other tokens work after the first use of this one.
_AUTHENTICATE: Final = f"""
WITH found AS (
    SELECT {", ".join(f"sessions.{column}" for column in _SESSIONS.columns)},
        token.created_at AS issued_at, used_at
    FROM session_tokens AS token JOIN sessions
        ON (sessions.person_id, sessions.id) = (token.person_id, session_id)
    WHERE token_hash = $1 AND valid_until > $2 AND {_OPEN}
), seen AS (
    UPDATE sessions SET last_seen_at = $2, expires_at = least(sessions.ends_at, $4)
    FROM found WHERE (sessions.person_id, sessions.id) = (found.person_id, found.id)
        AND found.last_seen_at < $5
), first_use AS (
    UPDATE session_tokens SET used_at = $2 FROM found
    WHERE token_hash = $1 AND found.used_at IS NULL
    RETURNING session_tokens.person_id, session_tokens.session_id
), superseded AS (
    UPDATE session_tokens AS other SET valid_until = least(valid_until, $8) FROM first_use
    WHERE (other.person_id, other.session_id) = (first_use.person_id, first_use.session_id)
        AND token_hash <> $1
), rotated AS (
    INSERT INTO session_tokens (token_hash, person_id, session_id, created_at)
    SELECT $3, person_id, id, $2 FROM found
    WHERE issued_at < $6 AND NOT EXISTS (
        SELECT FROM session_tokens AS newer
        WHERE (newer.person_id, newer.session_id) = (found.person_id, found.id)
            AND newer.created_at > $7)
    RETURNING token_hash
)
SELECT found.*, persons.email, persons.name AS person_name, persons.locale AS person_locale,
    members.id AS member_id, role, merchants.name AS merchant_name, test,
    make_interval(secs => coalesce(clock_offset_seconds, 0)) AS clock_offset,
    EXISTS (SELECT FROM rotated) AS rotated
FROM found JOIN persons ON persons.id = found.person_id
LEFT JOIN members ON members.merchant_id = found.merchant_id
    AND members.person_id = found.person_id AND state = 'active'
LEFT JOIN merchants ON merchants.id = members.merchant_id"""  # noqa: S608 - made of constants

_PERSON: Final = Table(
    "persons",
    Person,
    columns={"id": "person_id", "name": "person_name", "locale": "person_locale"},
)
_MEMBERSHIP: Final = Table("members", Membership)


async def authenticate(
    conn: Conn, token_hash: bytes, new_hash: bytes, now: datetime
) -> Authenticated | None:
    """One statement: reads the person and the membership, and records the use of the session."""
    row = await conn.fetchrow(
        _AUTHENTICATE,
        token_hash,
        now,
        new_hash,
        now + rules.IDLE,
        now - rules.SEEN_EVERY,
        now - rules.TOKEN_LIFE,
        now - rules.OVERLAP,
        now + rules.OVERLAP,
    )
    if row is None:
        return None
    return Authenticated(
        session=_SESSIONS.read(row),
        person=_PERSON.read(row),
        membership=_MEMBERSHIP.read(row) if row["member_id"] else None,
        clock_offset=row["clock_offset"],
        rotated=row["rotated"],
    )


async def lock_by_token(conn: Conn, token_hash: bytes, now: datetime) -> Session | None:
    where = (
        "WHERE (person_id, id) = (SELECT person_id, session_id FROM session_tokens"
        " WHERE token_hash = $1 AND valid_until > $2)"
        " AND ended_at IS NULL AND expires_at > $2 FOR NO KEY UPDATE"
    )
    return await _SESSIONS.one(conn, where, token_hash, now)


async def select_merchant(conn: Conn, session: Session, merchant_id: str) -> None:
    await conn.execute(
        "UPDATE sessions SET merchant_id = $3 WHERE person_id = $1 AND id = $2",
        session.person_id,
        session.id,
        merchant_id,
    )


async def reauthenticated(conn: Conn, session: Session, now: datetime) -> None:
    await conn.execute(
        "UPDATE sessions SET reauthenticated_at = $3 WHERE person_id = $1 AND id = $2",
        session.person_id,
        session.id,
        now,
    )


async def list_open(conn: Conn, person_id: str, now: datetime) -> Sequence[Session]:
    where = f"WHERE person_id = $1 AND {_OPEN} ORDER BY id DESC LIMIT {rules.MOST_SESSIONS}"
    return await _SESSIONS.all(conn, where, person_id, now)


async def end(conn: Conn, person_id: str, session_id: str, now: datetime) -> int:
    return await conn.execute(
        f"UPDATE sessions SET ended_at = $2 WHERE person_id = $1 AND id = $3 AND {_OPEN}",  # noqa: S608 - made of constants
        person_id,
        now,
        session_id,
    )


async def end_others(conn: Conn, person_id: str, but_session_id: str, now: datetime) -> int:
    return await conn.execute(
        f"UPDATE sessions SET ended_at = $2 WHERE person_id = $1 AND id <> $3 AND {_OPEN}",  # noqa: S608 - made of constants
        person_id,
        now,
        but_session_id,
    )


async def end_of_member(conn: Conn, person_id: str, merchant_id: str, now: datetime) -> int:
    """Ends the person's sessions that are for this merchant now."""
    return await conn.execute(
        "UPDATE sessions SET ended_at = $3"
        " WHERE person_id = $1 AND merchant_id = $2 AND ended_at IS NULL",
        person_id,
        merchant_id,
        now,
    )
