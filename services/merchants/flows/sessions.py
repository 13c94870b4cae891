"""Sessions: authenticated on each page, listed, ended, and switched between merchants."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from libs import tokens
from libs.db import Conn
from libs.errors import invalid, required
from libs.roles import SCOPES
from services.merchants.deps import Deps
from services.merchants.errors import NoMembership, SessionNotFound, SessionUnknown
from services.merchants.rules.sessions import Membership, Person, Session
from services.merchants.store import persons
from services.merchants.store import sessions as store


class Which(StrEnum):
    THIS = "this"
    NAMED = "named"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class EndSessions:
    token: str
    which: Which
    session_id: str | None


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session as its person sees it."""

    id: str
    device: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    reauthenticated_at: datetime
    current: bool
    merchant_id: str | None


@dataclass(frozen=True, slots=True)
class Authenticated:
    session: ShownSession
    person: Person
    membership: Membership | None
    scopes: Sequence[str]
    clock_offset_seconds: int
    new_token: str | None


def shown(session: Session, *, current: bool) -> ShownSession:
    return ShownSession(
        session.id,
        session.device,
        session.address,
        session.created_at,
        session.last_seen_at,
        min(session.expires_at, session.ends_at),
        session.reauthenticated_at,
        current,
        session.merchant_id,
    )


async def authenticate_session(deps: Deps, token: str) -> Authenticated:
    """Raises SessionUnknown, also if the person is no longer a member of the selected merchant."""
    new_token = tokens.new()
    found = required(
        await deps.db.run(
            store.authenticate, tokens.hash_of(token), tokens.hash_of(new_token), deps.now()
        ),
        SessionUnknown,
    )
    if found.session.merchant_id and found.membership is None:
        raise SessionUnknown
    scopes = SCOPES[found.membership.role] if found.membership else ()
    return Authenticated(
        session=shown(found.session, current=True),
        person=found.person,
        membership=found.membership,
        scopes=sorted(scopes),
        clock_offset_seconds=int(found.clock_offset / timedelta(seconds=1)),
        new_token=new_token if found.rotated else None,
    )


async def locked_session(conn: Conn, deps: Deps, token: str) -> Session:
    """Locked until the end of the transaction, if there is one. Raises SessionUnknown."""
    found = await store.lock_by_token(conn, tokens.hash_of(token), deps.now())
    return required(found, SessionUnknown)


async def replaced_token(tx: Conn, deps: Deps, session: Session) -> str:
    """Issues a new token at once; the others keep working for requests already on their way."""
    token, now = tokens.new(), deps.now()
    await store.add_token(tx, session, tokens.hash_of(token), now)
    await store.supersede(tx, session, tokens.hash_of(token), now)
    return token


async def list_memberships(deps: Deps, token: str) -> Sequence[Membership]:
    async with deps.db.connection() as conn:
        session = await locked_session(conn, deps, token)
        return await persons.memberships(conn, session.person_id)


async def select_merchant(deps: Deps, token: str, merchant_id: str) -> Membership:
    """Raises NoMembership, whether or not there is such a merchant."""
    async with deps.db.transaction() as tx:
        session = await locked_session(tx, deps, token)
        found = required(await persons.membership(tx, session.person_id, merchant_id), NoMembership)
        await store.select_merchant(tx, session, merchant_id)
    return found


async def list_sessions(deps: Deps, token: str) -> Sequence[ShownSession]:
    async with deps.db.connection() as conn:
        session = await locked_session(conn, deps, token)
        listed = await store.list_open(conn, session.person_id, deps.now())
    return [shown(each, current=each.id == session.id) for each in listed]


async def end_sessions(deps: Deps, cmd: EndSessions) -> int:
    """Returns how many have ended. Raises SessionNotFound."""
    async with deps.db.transaction() as tx:
        session, now = await locked_session(tx, deps, cmd.token), deps.now()
        if cmd.which is Which.OTHERS:
            return await store.end_others(tx, session.person_id, session.id, now)
        if cmd.which is Which.NAMED and not cmd.session_id:
            raise invalid("session_id", "is required")
        named = cmd.session_id if cmd.which is Which.NAMED else None
        ended = await store.end(tx, session.person_id, named or session.id, now)
        if not ended:
            raise SessionNotFound
        return ended


async def update_person(deps: Deps, token: str, name: str | None, locale: str | None) -> Person:
    async with deps.db.transaction() as tx:
        session = await locked_session(tx, deps, token)
        found = await persons.describe(tx, session.person_id, name=name, locale=locale, over=True)
    return required(found, SessionUnknown)
