"""Signing in: with a password, or with an identity from an OpenID provider."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs import ids, threads, tokens
from libs.db import Conn
from libs.errors import required
from services.merchants.deps import Deps
from services.merchants.errors import (
    EmailUnverified,
    IdentityMismatch,
    NoMembership,
    PasswordsOff,
    SessionUnknown,
    SignInRefused,
    TooManyAttempts,
)
from services.merchants.flows.sessions import locked_session, replaced_token
from services.merchants.rules import attempts, devices, passwords
from services.merchants.rules import sessions as rules
from services.merchants.rules.members import canonical_email
from services.merchants.rules.sessions import Membership, Origin, Person, Session
from services.merchants.store import persons
from services.merchants.store import sessions as store


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    session: Session
    person: Person
    memberships: Sequence[Membership]


@dataclass(frozen=True, slots=True)
class Begun:
    token: str
    session: Session


@dataclass(frozen=True, slots=True)
class Identity:
    """Claims of a verified ID token."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str | None
    locale: str | None
    origin: Origin


async def sign_in_with_password(deps: Deps, email: str, password: str, origin: Origin) -> SignedIn:
    """Raises PasswordsOff, TooManyAttempts, SignInRefused, NoMembership."""
    require_passwords(deps)
    known = await deps.db.run(persons.find_by_email, canonical_email(email))
    stored = known.password_hash if known else None
    await _check_password(deps, email, password, stored, origin)
    person_id = required(known, SignInRefused).person_id
    async with deps.db.transaction() as tx:
        if not await persons.may_enter(tx, person_id, deps.now()):
            raise NoMembership
        begun = await begin_session(tx, deps, person_id, origin)
    return await signed_in(deps, begun)


def require_passwords(deps: Deps) -> None:
    """Raises PasswordsOff."""
    if not deps.passwords:
        raise PasswordsOff


async def _check_password(
    deps: Deps, email: str, password: str, stored: str | None, origin: Origin
) -> None:
    """Takes the same time without a stored hash. Raises TooManyAttempts, SignInRefused."""
    limits = attempts.limits_of(canonical_email(email), origin.address)
    if not await deps.db.run(persons.count_try, limits, deps.now()):
        raise TooManyAttempts
    if not await threads.run(passwords.matches, password, stored):
        raise SignInRefused
    await deps.db.run(persons.forget_failures, limits)


async def sign_in_with_identity(deps: Deps, cmd: Identity) -> SignedIn:
    """Raises EmailUnverified, NoMembership, IdentityMismatch."""
    async with deps.db.transaction() as tx:
        person_id = await persons.find_by_identity(tx, cmd.issuer, cmd.subject)
        if person_id is None:
            person_id = await _bound(tx, deps, cmd)
        elif not await persons.may_enter(tx, person_id, deps.now()):
            raise NoMembership
        await persons.describe(tx, person_id, name=cmd.name, locale=cmd.locale, over=False)
        begun = await begin_session(tx, deps, person_id, cmd.origin)
    return await signed_in(deps, begun)


async def _bound(tx: Conn, deps: Deps, cmd: Identity) -> str:
    """Binds the identity to the person with the verified e-mail address."""
    if not (cmd.email and cmd.email_verified):
        raise EmailUnverified
    now = deps.now()
    found = await persons.find_to_bind(tx, canonical_email(cmd.email), now)
    person_id = required(found, NoMembership)
    await persons.bind(tx, cmd.issuer, cmd.subject, person_id, now)
    return person_id


async def begin_session(tx: Conn, deps: Deps, person_id: str, origin: Origin) -> Begun:
    """A new session with a new token, for the merchant if there is only one."""
    now, token = deps.now(), tokens.new()
    found = await persons.memberships(tx, person_id)
    session = Session(
        person_id=person_id,
        id=ids.new("ses"),
        device=devices.device_of(origin.user_agent),
        address=origin.address,
        created_at=now,
        last_seen_at=now,
        expires_at=now + rules.IDLE,
        ends_at=now + rules.ABSOLUTE,
        reauthenticated_at=now,
        merchant_id=found[0].merchant_id if len(found) == 1 else None,
    )
    await store.insert(tx, session, tokens.hash_of(token))
    return Begun(token, session)


async def signed_in(deps: Deps, begun: Begun) -> SignedIn:
    person_id = begun.session.person_id
    async with deps.db.snapshot() as conn:
        person = required(await persons.get(conn, person_id), SessionUnknown)
        found = await persons.memberships(conn, person_id)
    return SignedIn(begun.token, begun.session, person, found)


async def reauthenticate_with_password(
    deps: Deps, token: str, password: str, origin: Origin
) -> str:
    """The token that replaces the current one. Raises PasswordsOff, TooManyAttempts,
    SignInRefused.
    """
    require_passwords(deps)
    async with deps.db.connection() as conn:
        session = await locked_session(conn, deps, token)
        person = required(await persons.get(conn, session.person_id), SessionUnknown)
        known = await persons.find_by_email(conn, person.email)
    stored = known.password_hash if known else None
    await _check_password(deps, person.email, password, stored, origin)
    return await _reauthenticated(deps, token)


async def reauthenticate_with_identity(deps: Deps, token: str, issuer: str, subject: str) -> str:
    """Raises IdentityMismatch."""
    async with deps.db.connection() as conn:
        session = await locked_session(conn, deps, token)
        person_id = await persons.find_by_identity(conn, issuer, subject)
    if person_id != session.person_id:
        raise IdentityMismatch
    return await _reauthenticated(deps, token)


async def _reauthenticated(deps: Deps, token: str) -> str:
    async with deps.db.transaction() as tx:
        session = await locked_session(tx, deps, token)
        await store.reauthenticated(tx, session, deps.now())
        return await replaced_token(tx, deps, session)
