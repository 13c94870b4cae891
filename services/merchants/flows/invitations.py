"""Links of invitations: issued when an e-mail is sent, shown, and used once.

Only the hash of a link's token is stored. So a link cannot be shown again, and each e-mail has its
own; the first one used closes the invitation.
"""

from dataclasses import dataclass

from libs import context, threads, tokens
from libs.db import Conn
from libs.errors import required
from libs.identity import OPERATOR
from services.merchants.deps import Deps
from services.merchants.errors import (
    InvitationOfAnotherPerson,
    InvitationUnknown,
    MemberNotFound,
    PasswordExists,
)
from services.merchants.flows.members import require_console
from services.merchants.flows.sessions import locked_session
from services.merchants.flows.sign_in import SignedIn, begin_session, require_passwords, signed_in
from services.merchants.rules import members as rules
from services.merchants.rules import passwords
from services.merchants.rules.members import Member, MemberState
from services.merchants.rules.sessions import Origin
from services.merchants.store import members as store
from services.merchants.store import persons, sessions
from services.merchants.store.members import MEMBERS, Invited


async def issue_invitation_link(deps: Deps, member_id: str, recipient: str | None) -> str:
    """Raises MemberNotInvited, ConsoleNotSetUp, InvitationOfAnotherPerson."""
    require_console(deps)
    token = tokens.new()
    async with deps.db.transaction() as tx:
        found = await MEMBERS.lock(tx, context.merchant_id(), member_id)
        member = required(found, MemberNotFound)
        rules.require_invited(member)
        for_operator = context.current().caller == OPERATOR and recipient is None
        if not for_operator and rules.canonical_email(recipient or "") != member.email:
            raise InvitationOfAnotherPerson
        await store.add_link(tx, member, tokens.hash_of(token), deps.now())
    return f"{deps.console_url}/invitations/{token}"


async def get_invitation(deps: Deps, token: str) -> Invited:
    found = await deps.db.run(store.find_invited, tokens.hash_of(token), deps.now())
    return required(found, InvitationUnknown)


async def accept_invitation(deps: Deps, token: str, session_token: str) -> Member:
    """A repeat by the same person changes nothing. Raises InvitationUnknown,
    InvitationOfAnotherPerson.
    """
    async with deps.db.transaction() as tx:
        session = await locked_session(tx, deps, session_token)
        member = required(await store.lock_by_link(tx, tokens.hash_of(token)), InvitationUnknown)
        if member.person_id != session.person_id:
            raise InvitationOfAnotherPerson
        if member.state is not MemberState.ACTIVE:
            member = await _join(tx, deps, member)
        await sessions.select_merchant(tx, session, member.merchant_id)
    return member


async def _join(tx: Conn, deps: Deps, member: Member) -> Member:
    now = deps.now()
    if not rules.is_open(member, now):
        raise InvitationUnknown
    joined = rules.join(member, now)
    await store.save(tx, member, joined)
    return joined


@dataclass(frozen=True, slots=True)
class AcceptInvitationWithPassword:
    token: str
    password: str
    name: str
    locale: str | None
    origin: Origin


async def accept_with_password(deps: Deps, cmd: AcceptInvitationWithPassword) -> SignedIn:
    """The link proves access to the mailbox. Raises InvitationUnknown, PasswordsOff,
    PasswordExists.
    """
    require_passwords(deps)
    await get_invitation(deps, cmd.token)  # before the costly hash
    password_hash = await threads.run(passwords.hash_of, cmd.password)
    async with deps.db.transaction() as tx:
        found = await store.lock_by_link(tx, tokens.hash_of(cmd.token))
        member = await _join(tx, deps, required(found, InvitationUnknown))
        if await persons.password_of(tx, member.person_id) is not None:
            raise PasswordExists
        await persons.set_password(tx, member.person_id, password_hash)
        await persons.describe(tx, member.person_id, name=cmd.name, locale=cmd.locale, over=True)
        begun = await begin_session(tx, deps, member.person_id, cmd.origin)
    return await signed_in(deps, begun)
