"""Members: invited by a member or an operator, given another role, removed.

Each change locks the merchant's row: if two owners remove each other at the same moment, the calls
run one after the other, and the second is refused because no other owner is left.
"""

from dataclasses import dataclass

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from libs.roles import Role
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import ConsoleNotSetUp, MemberNotFound
from services.merchants.flows.merchants import locked
from services.merchants.rules import members as rules
from services.merchants.rules.members import Member
from services.merchants.store import members as store
from services.merchants.store import persons, sessions, views
from services.merchants.store.members import MEMBERS


@dataclass(frozen=True, slots=True)
class InviteMember:
    email: str
    role: Role
    locale: str | None


async def invite_member(deps: Deps, cmd: InviteMember, key: Key) -> Member:
    """Raises MemberExists, QuotaExceeded, ConsoleNotSetUp."""
    require_console(deps)
    email = rules.canonical_email(cmd.email)

    async def invite(tx: Conn, member_id: str) -> None:
        merchant, now = await locked(tx, context.merchant_id()), deps.now()
        rules.check_room(await store.count_open(tx, merchant.id))
        member = Member(
            merchant_id=merchant.id,
            id=member_id,
            person_id=await persons.ensure(tx, email, now),
            state=rules.MEMBER_INITIAL,
            role=cmd.role,
            locale=cmd.locale,
            invited_by=context.current().actor,
            invited_at=now,
            invitation_expires_at=now + rules.INVITATION_LIFE,
            times_invited=1,
            created_at=now,
            email=email,
        )
        await store.insert(tx, member)
        await events.member_invited(tx, member, merchant, at=now)

    made = await idempotency.once(deps.db, key, ids.new("mem"), invite)
    return await get_member(deps, made.resource_id)


def require_console(deps: Deps) -> None:
    """Raises ConsoleNotSetUp."""
    if not deps.console_url:
        raise ConsoleNotSetUp


async def get_member(deps: Deps, member_id: str) -> Member:
    found = await deps.db.run(MEMBERS.get, context.merchant_id(), member_id)
    return required(found, MemberNotFound)


async def resend_invitation(deps: Deps, member_id: str, key: Key) -> Member:
    """Raises MemberNotInvited, InvitationSentTooOften."""

    async def resend(tx: Conn, of_member: str) -> None:
        merchant, now = await locked(tx, context.merchant_id()), deps.now()
        before = required(await MEMBERS.lock(tx, merchant.id, of_member), MemberNotFound)
        after = rules.invite_again(before, now)
        await store.save(tx, before, after)
        await store.drop_links(tx, after)
        await events.member_invited(tx, after, merchant, at=now)

    await idempotency.once(deps.db, key, member_id, resend)
    return await get_member(deps, member_id)


async def revoke_invitation(deps: Deps, member_id: str) -> Member:
    """Raises MemberNotInvited."""
    async with deps.db.transaction() as tx:
        before = await _locked_member(tx, member_id)
        after = rules.revoke_invitation(before, deps.now())
        await store.save(tx, before, after)
        await store.drop_links(tx, after)
    return after


async def change_member_role(deps: Deps, member_id: str, role: Role) -> Member:
    """Raises MemberEnded, LastOwner."""
    async with deps.db.transaction() as tx:
        before = await _locked_member(tx, member_id)
        others = await store.count_other_owners(tx, before)
        after = rules.change_role(before, role, other_owners=others)
        await store.save(tx, before, after)
    return after


async def remove_member(deps: Deps, member_id: str) -> Member:
    """Also ends their sessions of this merchant, and deletes the views that only they see. Raises MemberNotJoined, LastOwner."""
    async with deps.db.transaction() as tx:
        before, now = await _locked_member(tx, member_id), deps.now()
        others = await store.count_other_owners(tx, before)
        after = rules.remove(before, now, other_owners=others)
        if after.state is not before.state:
            await store.save(tx, before, after)
            await sessions.end_of_member(tx, after.person_id, after.merchant_id, now)
            await views.delete_private(tx, after.merchant_id, after.id)
    return after


async def _locked_member(tx: Conn, member_id: str) -> Member:
    """Locks the merchant first, so that owners are counted after any other change is committed."""
    merchant = await locked(tx, context.merchant_id())
    return required(await MEMBERS.lock(tx, merchant.id, member_id), MemberNotFound)
